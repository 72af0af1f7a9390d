#!/usr/bin/env bash
# The clock is set under load: a step of seconds changes nothing; a step of an hour on costs access tokens their time
# and nothing else; after one of an hour back, tokens from the future are refused. Nothing ended is accepted, ever.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

library=
for candidate in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib*/faketime/libfaketimeMT.so.1; do
    [[ ! -e $candidate ]] || library=$candidate
done
if [[ -z $library ]]; then
    not_run 'steps of the clock' 'needs libfaketime: apt-get install libfaketime'
    exit 2
fi

step() {
    printf '%s\n' "$1" >"$folder/time.new"
    mv "$folder/time.new" "$folder/time"
}

step +0
# Only the time of day is set: that of machines that run goes on.
start_node a LD_PRELOAD="$library" FAKETIME_TIMESTAMP_FILE="$folder/time" FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 \
    FAKETIME_DONT_FAKE_MONOTONIC=1

begin_load small-me a me --connections 4 --rate 200 --seconds 8
begin_load small-refresh a refresh --connections 4 --rate 40 --seconds 7
begin_load small-revoked a revoked --connections 4 --rate 40 --seconds 6
for offset in +3 +0 -3 +0; do
    sleep 1
    step "$offset"
done
end_load small-me small-refresh small-revoked
no_failures small-me 'steps of 3 s, me'
no_failures small-refresh 'steps of 3 s, refresh'
is 'steps of 3 s, ended sessions: accepted, 5xx' \
    "$(figure small-revoked '"\(.wrong) \(.unavailable.count + .other_5xx)"')" '0 0'

# large NAME OFFSET
large() {
    local name=$1
    begin_load "$name-me" a me --connections 4 --rate 200 --seconds 6
    begin_load "$name-refresh" a refresh --connections 4 --rate 40 --seconds 5
    begin_load "$name-revoked" a revoked --connections 4 --rate 40 --seconds 4
    sleep 1
    step "$2"
    end_load "$name-me" "$name-refresh" "$name-revoked"
    is "$name, me: lost, 5xx, wrong" "$(figure "$name-me" '"\(.lost) \(.unavailable.count + .other_5xx) \(.wrong)"')" '0 0 0'
    note "$name, me: access tokens refused" "$(figure "$name-me" .unauthorized)"
    is "$name, refresh: lost, 5xx, wrong" \
        "$(figure "$name-refresh" '"\(.lost) \(.unavailable.count + .other_5xx) \(.wrong)"')" '0 0 0'
    # A token from an hour ahead is refused, as a forger's would be, until its time has come.
    if [[ $2 == +3600 ]]; then
        is "$name, refresh: 401" "$(figure "$name-refresh" .unauthorized)" 0
    else
        note "$name, refresh: tokens refused" "$(figure "$name-refresh" .unauthorized)"
    fi
    is "$name, ended sessions: accepted, 5xx" \
        "$(figure "$name-revoked" '"\(.wrong) \(.unavailable.count + .other_5xx)"')" '0 0'
    begin_load "$name-after" a mixed --connections 4 --rate 200 --seconds 2
    end_load "$name-after"
    no_failures "$name-after" "$name, new sessions afterwards"
}

large 'an hour on' +3600
large 'an hour back' +0
exit "$failed"
