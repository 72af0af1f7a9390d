#!/usr/bin/env bash
# kill -9 of a worker in the middle of a webhook: another runs the task when the lease has ended, and it has the same id.

# shellcheck source=faults/tasks.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/tasks.inc.sh"

begin_tasks killed --delay 5
start_worker first
make_webhooks 1 "$(in_seconds 0)" >/dev/null
wait_for 10 received 1
end_node first KILL
start_worker second
began=$EPOCHREALTIME
wait_for 60 received 2
at_most 'begun again after the kill' "$(sum "$EPOCHREALTIME - $began")" 31 s
wait_for 20 have_ended 1
is 'status, attempts' "$(tasks_sql "SELECT status, attempts FROM tasks")" 'completed|2'
is 'webhooks that arrived' "$(wc -l <"$folder/ids.csv")" 2
is 'different ids' "$(sort --unique "$folder/ids.csv" | wc -l)" 1
exit "$failed"
