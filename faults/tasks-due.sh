#!/usr/bin/env bash
# A thousand webhooks that are due at the same moment, and three workers: each is delivered once.

# shellcheck source=faults/tasks.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/tasks.inc.sh"
readonly COUNT=1000

begin_tasks due
for worker in one two three; do
    start_worker "$worker"
done
due=$(in_seconds 15)
is 'answers to those who made them' "$(make_webhooks "$COUNT" "$due")" "201:$COUNT"
is 'made before they were due' "$(later_than "$due" || echo yes)" yes
wait_for 60 later_than "$due"
wait_for 60 have_ended "$COUNT"
is 'completed at the first attempt' "$(count_tasks "status = 'completed' AND attempts = 1")" "$COUNT"
is 'webhooks that arrived' "$(wc -l <"$folder/ids.csv")" "$COUNT"
is 'different ones' "$(sort --unique "$folder/ids.csv" | wc -l)" "$COUNT"
for worker in one two three; do
    note "run by worker $worker" "$(grep --count '"outcome":"completed"' "$folder/$worker.log" || true)"
done
delay() {
    tasks_sql "SELECT round(1000 * percentile_cont($1) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - scheduled_at))) FROM tasks"
}
note 'start after the due moment, p50' "$(delay 0.5) ms"
note 'start after the due moment, p99' "$(delay 0.99) ms"
note 'start after the due moment, max' "$(delay 1) ms"
note 'all of them, a second' "$(tasks_sql "SELECT round($COUNT / extract(epoch FROM max(finished_at) - min(scheduled_at))) FROM tasks")"
ask POST /tasks "{\"name\": \"alone\", \"scheduled_at\": \"$(in_seconds 2)\"}" >/dev/null
wait_for 20 have_ended $((COUNT + 1))
alone=$(tasks_sql "SELECT round(1000 * extract(epoch FROM started_at - scheduled_at)) FROM tasks WHERE name = 'alone'")
at_most 'one alone, idle workers: start after the due moment' "$alone" 1000 ms
for worker in one two three; do
    end_node "$worker" TERM
    is "worker $worker after SIGTERM: exit status" "$ended_with" 0
done
exit "$failed"
