# shellcheck shell=bash
# What the faults of Redis share: two nodes on one PostgreSQL and one Redis, a measurement without a fault, and the same
# load with one.
# Functions are called by a name in an argument:
# shellcheck disable=SC2317

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql redis-cli

# measure PHASE COMMAND…: runs the command under load.
measure() {
    local phase=$1
    shift
    begin_load "$phase-me" 'a b' me --connections 8 --rate 400 --seconds 8
    begin_load "$phase-refresh" 'a b' refresh --connections 4 --rate 80 --seconds 5
    begin_load "$phase-revoked" 'a b' revoked --connections 4 --rate 80 --seconds 4
    "$@"
    end_load "$phase-me" "$phase-refresh" "$phase-revoked"
}

# report PHASE: what people saw of it.
report() {
    local phase=$1 kind
    for kind in me refresh; do
        no_failures "$phase-$kind" "$phase, $kind"
        at_most "$phase, $kind: p99 above that without a fault" \
            "$(sum "$(figure "$phase-$kind" .right.p99) - $(figure "quiet-$kind" .right.p99)")" 60 ms
        note "$phase, $kind: slowest" "$(figure "$phase-$kind" .right.max) ms"
    done
    is "$phase, ended sessions: accepted, 5xx" \
        "$(figure "$phase-revoked" '"\(.wrong) \(.unavailable.count + .other_5xx)"')" '0 0'
}

# logs_out PHASE: a logout on one node is in force on the other.
logs_out() {
    "$LOAD" revoke --target "$(target a)" --target "$(target b)" --rounds 10 --json >"$folder/$1-revoke.json" || true
    at_most "$1: logout in force on the other node, max of 10" "$(figure "$1-revoke" .refused_after.max)" 1000 ms
}

degraded_soon() {
    at_most "$1: seconds until health is degraded, with 200" "$(seconds_until has_health a 200 degraded)" 1 s
    is "$1: readiness" "$(status_of a /readyz)" 200
}

ok_soon() { at_most "$1: seconds until health is ok" "$(seconds_until has_health a 200 ok)" 2 s; }

need_programs
start_postgres
start_redis
use_postgres faults
start_node a
start_node b
is 'quiet: health is ok' "$(has_health a 200 ok && echo yes)" yes
measure quiet true
no_failures quiet-me 'quiet, me'
note 'quiet: p99 of me, refresh' "$(figure quiet-me .right.p99), $(figure quiet-refresh .right.p99) ms"
