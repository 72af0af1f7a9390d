#!/usr/bin/env bash
# PostgreSQL restarted under load, in order and by a crash: writes are refused quickly, reads go on from memory,
# everything works again soon, and nothing is lost.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql

need_programs
start_postgres
start_redis
use_postgres faults
start_node a

# restart NAME SIGNAL
restart() {
    local how=$1 signal=$2 kind back
    begin_load "$how-me" a me --connections 8 --rate 400 --seconds 15
    begin_load "$how-refresh" a refresh --connections 8 --rate 100 --seconds 13
    begin_load "$how-register" a register --connections 2 --seconds 11 --accounts "$folder/$how.accounts"
    sleep 1
    kill -s "$signal" -- "$postgres_pid"
    at_most "$how: seconds until readiness is 503" "$(seconds_until is_not_ready a)" 1 s
    stop_server postgres "$signal"
    at_most "$how: seconds until health is unavailable, with 503" "$(seconds_until has_health a 503 unavailable)" 1 s
    sleep 2
    start_postgres_again
    back=$EPOCHREALTIME
    at_most "$how: seconds until ready, after it accepts connections" "$(seconds_until is_ready a)" 5 s
    end_load "$how-me" "$how-refresh" "$how-register"
    no_failures "$how-me" "$how, me from memory"
    for kind in refresh register; do
        only_refusals "$how-$kind" "$how, $kind"
        at_least "$how, $kind: refused with 503" "$(figure "$how-$kind" .unavailable.count)" 1
        at_most "$how, $kind: longest wait for a 503" "$(figure "$how-$kind" .unavailable.max)" 1000 ms
        at_most "$how, $kind: works again, after it accepts connections" \
            "$(sum "$(figure "$how-$kind" '.started_at + .longest_gap.to_ms / 1000') - $back")" 5 s
        note "$how, $kind: longest time without a success" "$(figure "$how-$kind" '.longest_gap.ms | round') ms"
    done
    "$LOAD" verify --target "$(target a)" "$folder/$how.accounts" --json >"$folder/$how-verify.json" || true
    is "$how: acknowledged registrations that log in" "$(figure "$how-verify" .logged_in)" \
        "$(wc -l <"$folder/$how.accounts")"
}

restart 'in order' INT
# Immediate: all processes end at once, and the next start recovers from the log.
restart crash QUIT
exit "$failed"
