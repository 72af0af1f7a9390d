#!/usr/bin/env bash
# Health and readiness tell within a second what is: without Redis a node is degraded and goes on, without the database it
# is unavailable, and is told so to the balancer; the process is alive all the time.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql

need_programs
start_postgres
start_redis
use_postgres faults
start_node a
is 'both are there: health is ok' "$(has_health a 200 ok && echo yes)" yes

# without_redis HOW, with_redis HOW
without_redis() {
    at_most "Redis $1: seconds until health is degraded, with 200" "$(seconds_until has_health a 200 degraded)" 1 s
    is "Redis $1: readiness, liveness" "$(status_of a /readyz) $(status_of a /livez)" '200 200'
}
with_redis() { at_most "Redis $1: seconds until health is ok" "$(seconds_until has_health a 200 ok)" 2 s; }

stop_server redis KILL
without_redis killed
start_redis_again
with_redis 'started again'
kill -s STOP -- "$redis_pid"
without_redis frozen
kill -s CONT -- "$redis_pid"
with_redis thawed

# without_database HOW, with_database HOW
without_database() {
    at_most "PostgreSQL $1: seconds until health is unavailable, with 503" "$(seconds_until has_health a 503 unavailable)" 1 s
    at_most "PostgreSQL $1: then until readiness is 503" "$(seconds_until is_not_ready a)" 0.1 s
    is "PostgreSQL $1: liveness" "$(status_of a /livez)" 200
}
with_database() {
    at_most "PostgreSQL $1: seconds until health is ok" "$(seconds_until has_health a 200 ok)" 5 s
    at_most "PostgreSQL $1: then until ready" "$(seconds_until is_ready a)" 0.1 s
}

stop_server postgres INT
without_database stopped
start_postgres_again
with_database 'started again'
freeze_postgres
without_database frozen
thaw_postgres
with_database thawed

freeze_postgres
stop_server redis KILL
without_database 'frozen, Redis killed'
thaw_postgres
at_most 'PostgreSQL thawed, no Redis: seconds until health is degraded' "$(seconds_until has_health a 200 degraded)" 5 s
exit "$failed"
