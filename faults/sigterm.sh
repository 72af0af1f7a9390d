#!/usr/bin/env bash
# SIGTERM under load: readiness goes off, what is in flight is answered, and it ends by itself.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

start_node a SHUTDOWN_DELAY=2
begin_load mixed a mixed --connections 16 --rate 1000 --seconds 9
begin_load login a login --connections 4 --seconds 7
sleep 1
asked=$EPOCHREALTIME
kill -s TERM -- "${node_pids[a]}"
at_most 'seconds until readiness is 503' "$(seconds_until is_not_ready a)" 0.5 s
status=0
wait "${node_pids[a]}" || status=$?
at_most 'seconds until it has ended' "$(sum "$EPOCHREALTIME - $asked")" 30 s
is 'exit status' "$status" 0
unset -v 'node_pids[a]'
end_load mixed login
no_failures mixed mixed
no_failures login login
note 'answered in all, connections opened again' "$(figure mixed '"\(.right.count), \(.reconnects)"')"
exit "$failed"
