#!/usr/bin/env bash
# Ten thousand texts a second that are no API keys: the database hears of none of them, and the other routes hardly
# notice. Of keys of the right form that are nobody's it hears of the first few hundred from one address.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql
readonly ROUNDS=3 WAIT=6 COUNTED=3

# How many transactions the server has ended in the database: it tells of them a second late.
transactions() {
    sleep 1.5
    sql postgres "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'junk'"
}

# median NUMBER…
median() { printf '%s\n' "$@" | sort --general-numeric-sort | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

begin_junk() { begin_load "$1" a "$2" --connections 32 --rate 10000 --seconds "$WAIT" --pid "${node_pids[a]}"; }
begin_me() { begin_load "$1" a me --connections 16 --rate 1000 --seconds "$((WAIT - 1))"; }

need_programs
start_postgres
use_postgres junk
start_node a
declare -a quiet=() busy=() sent=()
idle=$(transactions)
sleep "$COUNTED"
idle=$(($(transactions) - idle))
for ((round = 1; round <= ROUNDS; round++)); do
    begin_me "quiet$round"
    end_load "quiet$round"
    quiet+=("$(figure "quiet$round" .right.p99)")
    begin_junk "junk$round" junk
    begin_me "me$round"
    end_load "me$round" "junk$round"
    busy+=("$(figure "me$round" .right.p99)")
    sent+=("$(figure "junk$round" '.per_second | round')")
    no_failures "me$round" "me beside it, round $round"
done
note 'junk a second, in each round' "${sent[*]}"
at_least 'junk a second' "$(median "${sent[@]}")" 9500
is 'answers to junk' "$(figure junk1 '.statuses | keys | join(" ")')" 401
note 'CPU of the server for one' "$(figure junk1 '.server.cpu_micros_per_request * 10 | round / 10') µs"
note 'p99 of me: quiet' "${quiet[*]} ms"
note 'p99 of me: beside junk' "${busy[*]} ms"
at_most 'p99 of me, of that when it is quiet (medians)' "$(sum "$(median "${busy[@]}") / $(median "${quiet[@]}")")" 1.1 times

# Accounts are made before: what asks has begun when this is counted.
begin_junk counted junk
before=$(transactions)
sleep "$COUNTED"
during=$(($(transactions) - before))
end_load counted
note 'transactions in 4.5 s without requests' "$idle"
at_most 'transactions in 4.5 s, while 45,000 came' "$during" "$((idle + 10))"
is 'junk that got in' "$(figure counted .wrong)" 0

begin_junk forged forged
before=$(transactions)
sleep "$COUNTED"
during=$(($(transactions) - before))
end_load forged
note 'keys of the right form: answers' "$(figure forged '.statuses | to_entries | map("\(.key): \(.value)") | join(", ")')"
at_most 'transactions in 4.5 s, while 45,000 came' "$during" "$((idle + 10))"
at_most 'those that were looked up, in 6 s' "$(figure forged '.statuses["401"]')" 600
is 'keys of the right form that got in' "$(figure forged .wrong)" 0
exit "$failed"
