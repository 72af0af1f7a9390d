#!/usr/bin/env bash
# kill -9 at random during registrations, on both databases: every acknowledged account is there, and the next start
# needs nobody's help.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql sqlite3

need_programs
start_postgres

try() {
    local store=$1 longest=0 took
    start_node "$store"
    begin_load "$store" "$store" register --connections 8 --seconds 12 --accounts "$folder/$store.accounts"
    for _ in {1..4}; do
        sleep "$(awk -v random="$RANDOM" 'BEGIN { print 0.5 + 1.5 * random / 32768 }')"
        end_node "$store" KILL
        launch_node "$store"
        took=$(seconds_until is_ready "$store")
        longest=$(longer "$took" "$longest")
    done
    end_load "$store"
    at_most "$store: longest start after kill -9" "$longest" 5 s
    note "$store: requests that the kills cut off" "$(figure "$store" .lost)"
    is "$store: 5xx, wrong" "$(figure "$store" '"\(.other_5xx) \(.wrong)"')" '0 0'
    "$LOAD" verify --target "$(target "$store")" "$folder/$store.accounts" --json >"$folder/$store-verify.json" || true
    is "$store: acknowledged registrations that log in" "$(figure "$store-verify" .logged_in)" \
        "$(wc -l <"$folder/$store.accounts")"
    end_node "$store" INT
}

try sqlite
is 'sqlite: integrity check' "$(sqlite3 "$folder/sqlite/data/doorward.db" 'PRAGMA integrity_check')" ok
use_postgres faults
try postgres
exit "$failed"
