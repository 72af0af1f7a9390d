#!/usr/bin/env bash
# Three nodes on one PostgreSQL, with one Redis and without: a logout on one is in force on all, and a refresh token
# has one successor wherever it is used.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql

need_programs
start_postgres
start_redis
shared_redis=$redis_url

try() {
    local how=$1 node
    use_postgres "$2"
    for node in a b c; do
        start_node "$node"
    done
    "$LOAD" revoke --target "$(target a)" --target "$(target b)" --target "$(target c)" --rounds 100 --parallel 2 \
        --json >"$folder/$2-revoke.json" || true
    is "$how: rounds of log in on A, refresh on B, log out on C" "$(figure "$2-revoke" .rounds)" 100
    note "$how: A and B refuse after, p50" "$(figure "$2-revoke" .refused_after.p50) ms"
    at_most "$how: A and B refuse after, p99" "$(figure "$2-revoke" .refused_after.p99)" 1000 ms
    at_most "$how: A and B refuse after, max" "$(figure "$2-revoke" .refused_after.max)" 1000 ms
    is "$how: accepted on C after the logout" "$(figure "$2-revoke" .accepted_at_home)" 0
    "$LOAD" race --target "$(target a)" --target "$(target b)" --target "$(target c)" --connections 32 --rounds 100 \
        --json >"$folder/$2-race.json" || true
    is "$how: rounds of 32 refreshes without one successor for all" "$(figure "$2-race" .forked)" 0
    is "$how: their answers" "$(figure "$2-race" '.statuses | tojson')" '{"200":3200}'
    note "$how: p99 of such a refresh" "$(figure "$2-race" .time.p99) ms"
    for node in a b c; do
        end_node "$node" INT
    done
}

try 'with Redis' with_redis
redis_url=
stop_server redis INT
try 'without' without_redis
redis_url=$shared_redis
exit "$failed"
