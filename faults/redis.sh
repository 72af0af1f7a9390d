#!/usr/bin/env bash
# Redis killed, back, flushed and frozen under load: nobody notices but the operator.
# Functions are called by a name in an argument:
# shellcheck disable=SC2317

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql redis-cli

need_programs
start_postgres
start_redis
use_postgres faults
start_node a
start_node b

measure() {
    local phase=$1
    shift
    begin_load "$phase-me" 'a b' me --connections 8 --rate 400 --seconds 8
    begin_load "$phase-refresh" 'a b' refresh --connections 4 --rate 80 --seconds 5
    begin_load "$phase-revoked" 'a b' revoked --connections 4 --rate 80 --seconds 4
    "$@"
    end_load "$phase-me" "$phase-refresh" "$phase-revoked"
}

report() {
    local phase=$1 kind
    for kind in me refresh; do
        no_failures "$phase-$kind" "$phase, $kind"
        at_most "$phase, $kind: p99 above that without a fault" \
            "$(sum "$(figure "$phase-$kind" .right.p99) - $(figure "quiet-$kind" .right.p99)")" 60 ms
    done
    is "$phase, ended sessions: accepted, 5xx" \
        "$(figure "$phase-revoked" '"\(.wrong) \(.unavailable.count + .other_5xx)"')" '0 0'
}

killed() {
    stop_server redis KILL
    at_most 'killed: seconds until health is degraded, with 200' "$(seconds_until has_health a 200 degraded)" 1 s
}

back() {
    start_redis_again
    at_most 'back: seconds until health is ok' "$(seconds_until has_health a 200 ok)" 2 s
}

flushed() {
    redis FLUSHALL
    sleep 1
    redis FLUSHALL
}

frozen() {
    kill -s STOP -- "$redis_pid"
    at_most 'frozen: seconds until health is degraded, with 200' "$(seconds_until has_health a 200 degraded)" 1 s
    "$LOAD" revoke --target "$(target a)" --target "$(target b)" --rounds 10 --json >"$folder/frozen-revoke.json" || true
    at_most 'frozen: logout in force on the other node, max of 10' "$(figure frozen-revoke .refused_after.max)" 1000 ms
}

measure quiet true
no_failures quiet-me 'quiet, me'
note 'quiet: p99 of me, refresh' "$(figure quiet-me .right.p99), $(figure quiet-refresh .right.p99) ms"
measure killed killed
report killed
measure back back
report back
measure flushed flushed
report flushed
measure frozen frozen
report frozen
kill -s CONT -- "$redis_pid"
at_most 'thawed: seconds until health is ok' "$(seconds_until has_health a 200 ok)" 2 s
exit "$failed"
