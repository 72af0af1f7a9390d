#!/usr/bin/env bash
# A worker that has nothing to do: what it costs, beside a task that is far away.

# shellcheck source=faults/tasks.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/tasks.inc.sh"
readonly WAIT=30

# cpu PID: what it has used, in milliseconds.
cpu() { awk -v hertz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print 1000 * ($12 + $13) / hertz }' "/proc/$1/stat"; }
resident() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }

begin_tasks idle
make_webhooks 1 "$(in_seconds 3600)" >/dev/null
start_worker one
sleep 2
before=$(cpu "${node_pids[one]}")
sleep "$WAIT"
used=$(sum "$(cpu "${node_pids[one]}") - $before")
at_most "CPU in $WAIT s" "$used" 300 ms
note 'memory' "$(resident "${node_pids[one]}") MiB"
exit "$failed"
