#!/usr/bin/env bash
# A worker that is stopped past its lease in the middle of a webhook, and continued: what it writes then is refused.

# Called by a name in an argument:
# shellcheck disable=SC2317

# shellcheck source=faults/tasks.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/tasks.inc.sh"

row() { tasks_sql 'SELECT md5(t::text) FROM tasks t'; }
has_lost() { grep --quiet '"outcome":"lost"' "$folder/first.log"; }

begin_tasks stopped --delay 2
start_worker first
make_webhooks 1 "$(in_seconds 0)" >/dev/null
wait_for 10 received 1
kill -s STOP -- "${node_pids[first]}"
start_worker second
wait_for 60 have_ended 1
is 'meanwhile: status, attempts' "$(tasks_sql 'SELECT status, attempts FROM tasks')" 'completed|2'
before=$(row)
kill -s CONT -- "${node_pids[first]}"
wait_for 20 has_lost
is 'continued: it says that it has lost the task' "$(grep --count '"outcome":"lost"' "$folder/first.log")" 1
is 'the row is as it was' "$([[ $(row) == "$before" ]] && echo yes)" yes
is 'webhooks that arrived' "$(wc -l <"$folder/ids.csv")" 2
is 'different ids' "$(sort --unique "$folder/ids.csv" | wc -l)" 1
make_webhooks 1 "$(in_seconds 0)" >/dev/null
wait_for 20 have_ended 2
end_node first TERM
is 'the continued one after SIGTERM: exit status' "$ended_with" 0
exit "$failed"
