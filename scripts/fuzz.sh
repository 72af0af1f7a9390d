#!/usr/bin/env bash
# Gives everything that parses a stranger's bytes random ones, test by test, for SECONDS each (600 unless told), and tells how
# many cases each of them has had. They are the property tests that run, with few cases, in every `cargo test` too. Built
# with checks for overflows, and so not for speed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
Usage: scripts/fuzz.sh [SECONDS [FILTER]]

FILTER is a part of the names of the tests that are wanted. The exit status is 1 when a test fails; it tells the smallest
case that fails, and writes it into a file of proptest-regressions.
END
}

case ${1-} in
-h | --help)
    usage
    exit
    ;;
esac
readonly SECONDS_A_TEST=${1:-600} FILTER=${2-}
# So many cases in one go; between two of them the time is looked at.
readonly CASES=${PROPTEST_CASES:-2000}
export PROPTEST_CASES=$CASES
# Where a stranger's bytes are parsed, and the older tests of the same.
readonly WANTED='(^|::)strangers::|any_text|any_bytes|nothing_that_comes_in_panics|nothing_but_a_key_is_a_key|no_text_makes_it_panic'

built=$(cargo test --workspace --locked --lib --no-run 2>&1) || {
    printf '%s\n' "$built" >&2
    exit 2
}
failed=0
while read -r program; do
    while read -r name; do
        ended=$((SECONDS + SECONDS_A_TEST)) began=$SECONDS cases=0
        while ((SECONDS < ended)); do
            if ! said=$("$program" --exact "$name" 2>&1); then
                printf '%s\n' "$said" >&2
                failed=1
                break
            fi
            cases=$((cases + CASES))
        done
        printf '%-110s %6d s %10d cases\n' "$name" $((SECONDS - began)) "$cases"
    done < <("$program" --list --format terse | sed -n 's/: test$//p' | grep --extended-regexp "$WANTED" |
        grep --fixed-strings -- "$FILTER" || true)
done < <(grep --only-matching 'target/debug/deps/[a-z_]*-[0-9a-f]*' <<<"$built")
exit "$failed"
