#!/usr/bin/env bash
# PostgreSQL frozen under load, as by a network that swallows everything: memory is trusted for ten seconds and no
# longer, nothing waits for ever, and it works again when PostgreSQL does.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql

need_programs
start_postgres
use_postgres faults
# A lost answer may be asked for again within the grace period, which is longer here than the fault.
start_node a REFRESH_GRACE_PERIOD=60

begin_load me a me --connections 8 --rate 200 --seconds 24
begin_load refresh a refresh --connections 8 --rate 40 --seconds 23
sleep 1
began=$EPOCHREALTIME
freeze_postgres
at_most 'seconds until readiness is 503' "$(seconds_until is_not_ready a)" 1 s
sleep "$(sum "13 - ($EPOCHREALTIME - $began)")"
thaw_postgres
back=$EPOCHREALTIME
at_most 'thawed: seconds until ready' "$(seconds_until is_ready a)" 5 s
end_load me refresh
# In seconds after the freeze, out of the time series: the last right answer before the thaw, and the first after.
edge() {
    awk -F , -v start="$(figure "$1" .started_at)" -v froze="$began" -v thawed="$back" '
        NR > 1 && $2 > 0 {
            at = start + $1 / 1000
            if (at < thawed - 0.2) last = at
            else if (!first && at >= thawed) first = at
        }
        END { printf "%.1f %.1f\n", last - froze, first - thawed }' "$folder/$1.csv"
}
read -r last first < <(edge me)
at_least 'me: answered from memory until this long after the freeze' "$last" 8.5 s
at_most 'me: answered from memory until this long after the freeze' "$last" 10.5 s
at_most 'me: works again after the thaw' "$first" 5 s
only_refusals me me
at_most 'me: longest wait for a 503' "$(figure me .unavailable.max)" 1000 ms
read -r last first < <(edge refresh)
at_most 'refresh: works again after the thaw' "$first" 5 s
only_refusals refresh refresh
note 'refresh: p50 and max of the waits for a 503' \
    "$(figure refresh '"\(.unavailable.p50 | round) and \(.unavailable.max | round) ms"')"
at_most 'refresh: longest wait for a 503' "$(figure refresh .unavailable.max)" 10500 ms
exit "$failed"
