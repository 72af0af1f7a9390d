#!/usr/bin/env bash
# A thousand webhooks that are called off at the moment at which they are due, and three workers: each was called off, or
# was delivered, and never both.

# shellcheck source=faults/tasks.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/tasks.inc.sh"
readonly COUNT=1000

begin_tasks cancel
for worker in one two three; do
    start_worker "$worker" WORKER_CONCURRENCY=8
done
due=$(in_seconds 20)
is 'answers to those who made them' "$(make_webhooks "$COUNT" "$due")" "201:$COUNT"
while read -r id; do
    add_request "$folder/cancel.curl" POST "/tasks/$id/cancel"
done < <(tasks_sql 'SELECT id FROM tasks ORDER BY due_at, id DESC')
is 'made before they were due' "$(later_than "$due" || echo yes)" yes
wait_for 60 later_than "$due"
answers=$(requests "$folder/cancel.curl")
wait_for 60 have_ended "$COUNT"
cancelled=$(count_tasks "status = 'cancelled'")
completed=$(count_tasks "status = 'completed'")
at_least 'called off' "$cancelled" 1
at_least 'delivered' "$completed" 1
is 'together' "$((cancelled + completed))" "$COUNT"
is 'answers to those who called off' "$answers" "200:$cancelled 409:$completed"
is 'webhooks that arrived' "$(wc -l <"$folder/ids.csv")" "$completed"
tasks_sql "SELECT id FROM tasks WHERE status = 'cancelled'" | sort >"$folder/cancelled.csv"
is 'called off and delivered' "$(sed 's/^msg_//' "$folder/ids.csv" | sort | comm -12 - "$folder/cancelled.csv" | wc -l)" 0
exit "$failed"
