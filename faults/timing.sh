#!/usr/bin/env bash
# A login with an unknown user takes as long as one with a wrong password, at cost 12.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

start_node a BCRYPT_COST=12
"$LOAD" timing --target "$(target a)" --samples 80 --json >"$folder/timing.json" || give_up "cannot be measured"
note 'medians of an unknown user and of a wrong password' \
    "$(figure timing '"\(.unknown_user.p50) and \(.wrong_password.p50) ms"')"
at_most 'difference of the medians' "$(figure timing .difference_percent)" 2 %
is 'the same answer' "$(figure timing .same_bytes)" true
exit "$failed"
