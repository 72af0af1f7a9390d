#!/usr/bin/env bash
# Five thousand slow connections and ten thousand idle ones at once, and a fifth of that over HTTPS, where the driver has
# as much to compute as the node: the slow ones are cut off and come back, each costs little, and the others do not notice.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
SLOW=5000 IDLE=10000
# The driver has one file a connection. The node takes as many as the system lets it.
ulimit -n $((SLOW + IDLE + 1000)) || give_up "needs ulimit -n $((SLOW + IDLE + 1000))"

# crowd NAME KIB OPTIONS…: the crowd around a node, and others who ask meanwhile over plain HTTP, if they can.
crowd() {
    local name=$1 kib=$2
    shift 2
    "$LOAD" slow --target "$(target "$name")" --pid "${node_pids[$name]}" --slow "$SLOW" --idle "$IDLE" --seconds 22 \
        --started "$folder/$name-crowd.started" --json "$@" >"$folder/$name-crowd.json" 2>"$folder/$name-crowd.log" &
    others=($!)
    for _ in {1..600}; do
        [[ ! -e $folder/$name-crowd.started ]] || break
        is_alive "${others[0]}" || break
        sleep 0.1
    done
    [[ -e $folder/$name-crowd.started ]] || give_up "the crowd does not come: $(cat "$folder/$name-crowd.log")"
    meanwhile "$name"
    wait "${others[0]}" || true
    others=()
    at_most "$name: memory of each of $((SLOW + IDLE))" "$(figure "$name-crowd" .kib_a_connection)" "$kib" KiB
    at_least "$name: slow ones cut off" "$(figure "$name-crowd" .cut)" "$SLOW"
    at_most "$name: longest that a slow one was let go on" "$(figure "$name-crowd" .longest)" 15 s
    is "$name: idle ones closed, connections refused" "$(figure "$name-crowd" '"\(.closed) \(.refused)"')" '0 0'
}

meanwhile() {
    if [[ $1 == http ]]; then
        begin_load me "$1" me --connections 8 --rate 400 --seconds 15
        end_load me
        no_failures me "$1: me meanwhile"
        at_most "$1: p99 of me above that without them" "$(sum "$(figure me .right.p99) - $(figure quiet .right.p99)")" 20 ms
        return
    fi
    local good=0 number
    for number in {1..100}; do
        [[ $(status_of "$1" /api/v1/health) != 200 ]] || good=$((good + 1))
        sleep 0.1
    done
    is "$1: answers of 100 to new connections meanwhile" "$good" "$number"
}

start_node http
begin_load quiet http me --connections 8 --rate 400 --seconds 4
end_load quiet
note 'http: quiet: p99 of me' "$(figure quiet .right.p99) ms"
crowd http 32
note 'http: p99 of me among them' "$(figure me .right.p99) ms"
end_node http INT

SLOW=1000 IDLE=2000
scheme=https
start_node https TLS_SELF_SIGNED=true
crowd https 64 --tls
end_node https INT
is 'https: exit status at the end' "$ended_with" 0
exit "$failed"
