#!/usr/bin/env bash
# Sixty-four clients log in without pause, at cost 12: the other routes hardly notice, and memory stays bounded.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

start_node a BCRYPT_COST=12
begin_load quiet a me --connections 16 --rate 2000 --seconds 8
end_load quiet
begin_load login a login --connections 64 --seconds 16 --pid "${node_pids[a]}"
begin_load me a me --connections 16 --rate 2000 --seconds 8
end_load me login
note 'quiet: p99 of me' "$(figure quiet .right.p99) ms"
at_most 'p99 of me, of that when it is quiet' "$(sum "$(figure me .right.p99) / $(figure quiet .right.p99)")" 2 times
at_least 'me: right answers' "$(figure me '100 * .right.count / .requests')" 99.9 %
only_refusals login login
note 'logins a second, and refusals with 503' "$(figure login '"\(.right.count / .seconds * 10 | round / 10), \(.unavailable.count)"')"
at_least 'logins that succeed' "$(figure login .right.count)" 1
at_most 'longest wait for a login, or for its refusal' "$(figure login '[.right.max, .unavailable.max] | max')" 10000 ms
at_most 'memory at its peak' "$(figure login .server.peak_mib)" 60 MiB
exit "$failed"
