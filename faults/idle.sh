#!/usr/bin/env bash
# Ten thousand silent connections: each costs little, and the others do not notice.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
readonly CONNECTIONS=10000
# The node, which inherits it, and the driver have one file a connection.
ulimit -S -n $((CONNECTIONS + 1000)) || give_up "needs ulimit -n $((CONNECTIONS + 1000))"

start_node a
begin_load quiet a me --connections 8 --rate 400 --seconds 4
end_load quiet
"$LOAD" idle --target "$(target a)" --pid "${node_pids[a]}" --connections "$CONNECTIONS" --seconds 12 --json \
    >"$folder/idle.json" &
others+=($!)
sleep 4
begin_load me a me --connections 8 --rate 400 --seconds 5
end_load me
wait "${others[0]}" || true
others=()
at_most "memory of each of $CONNECTIONS" "$(figure idle .kib_a_connection)" 32 KiB
is 'closed by the server' "$(figure idle .closed)" 0
no_failures me 'me meanwhile'
at_most 'me: p99 above that without them' "$(sum "$(figure me .right.p99) - $(figure quiet .right.p99)")" 20 ms
exit "$failed"
