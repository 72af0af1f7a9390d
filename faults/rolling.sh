#!/usr/bin/env bash
# Three nodes restarted one after the other under load, behind what acts as a balancer that watches /readyz.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql

need_programs
start_postgres
start_redis
use_postgres faults
for node in a b c; do
    start_node "$node"
done
begin_load mixed 'a b c' mixed --watch --connections 24 --rate 1000 --seconds 24
begin_load register 'a b c' register --watch --connections 3 --seconds 20 --accounts "$folder/accounts"
sleep 1
longest=0
for node in a b c; do
    end_node "$node" TERM
    is "$node: exit status" "$ended_with" 0
    longest=$(longer "$ended_after" "$longest")
    start_node "$node"
    sleep 0.5
done
end_load mixed register
at_most 'longest end of a node, after SIGTERM' "$longest" 30 s
no_failures mixed mixed
no_failures register register
note 'mixed: requests, refused connections, connections opened again' \
    "$(figure mixed '"\(.requests), \(.not_connected), \(.reconnects)"')"
at_most 'mixed: longest time without a success' "$(figure mixed .longest_gap.ms)" 1000 ms
"$LOAD" verify --target "$(target a)" "$folder/accounts" --json >"$folder/verify.json" || true
is 'acknowledged registrations that log in' "$(figure verify .logged_in)" "$(wc -l <"$folder/accounts")"
exit "$failed"
