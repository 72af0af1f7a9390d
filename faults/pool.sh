#!/usr/bin/env bash
# All of PostgreSQL's connections are busy, since a lock holds up whoever writes a session: who finds none is refused
# in half a second, and tokens are checked as ever.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql

need_programs
start_postgres
use_postgres faults
start_node a
begin_load quiet a me --connections 8 --rate 400 --seconds 4
end_load quiet
begin_load me a me --connections 8 --rate 400 --seconds 9
begin_load refresh a refresh --connections 32 --rate 400 --seconds 6
# Shorter than the time limit for locks, so that those who hold a connection get through in the end.
sql faults 'BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT' >/dev/null
end_load me refresh
at_least 'refresh: refused with 503' "$(figure refresh .unavailable.count)" 1
at_most 'refresh: longest wait for a 503 (500 ms and the way)' "$(figure refresh .unavailable.max)" 600 ms
only_refusals refresh refresh
no_failures me 'me meanwhile'
note 'me: p99 quiet' "$(figure quiet .right.p99) ms"
at_most 'me: p99 above that without the lock' "$(sum "$(figure me .right.p99) - $(figure quiet .right.p99)")" 20 ms
exit "$failed"
