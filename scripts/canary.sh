#!/usr/bin/env bash
# Runs the tests over the socket with everything logged that can be, at the level `trace`, and looks for secrets in it: the
# passwords and keys of the tests, and whatever looks like a token, a key or a hash of ours. Then, in the Redis of the run, for
# the same. What the database keeps, the test `canary` looks through, which is among them.
#
# Usage: scripts/canary.sh [FILTER]      TEST_STORE=postgres with TEST_POSTGRES_URL and TEST_REDIS_URL, as for the tests

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp --directory)
trap 'rm -rf -- "$folder"' EXIT
export TEST_TRACE=$folder/trace.log

# Tokens, API keys, secrets of webhooks, hashes of passwords; then what the tests use as passwords and keys.
readonly -a PATTERNS=(
    -e 'eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{20,}'
    -e 'dwk_[0-9A-Za-z]{36}'
    -e 'whsec_[A-Za-z0-9+/]{30}'
    -e '(bcrypt(_sha256)?|pbkdf2_sha(1|256)|argon2|scrypt)\$[^ ]{30}'
    -e 'gustav-Eiffel-1889|tN5wQ0cVb8yLr2HsKd7mXe4PzAj1GfUo9iTq6RnE'
    -e 'Z3VzdGF2LUVpZmZlbC0xODg5|6775737461762d45696666656c2d31383839'
)

cargo test --workspace --locked --all-features --test http -- ${1:+"$1"}
lines=$(wc -l <"$TEST_TRACE")
grep --quiet ' TRACE ' "$TEST_TRACE" || {
    echo 'NOT SHOWN: nothing was logged at the level trace.' >&2
    exit 2
}
failed=0
if grep --extended-regexp --max-count=20 "${PATTERNS[@]}" "$TEST_TRACE"; then
    echo 'A SECRET IS IN THE LOG: see above.' >&2
    failed=1
fi
if [[ ${TEST_STORE-} == postgres && -n ${TEST_REDIS_URL-} ]] && command -v redis-cli >/dev/null; then
    redis-cli -u "$TEST_REDIS_URL" --scan | while read -r key; do
        printf '%s ' "$key"
        redis-cli -u "$TEST_REDIS_URL" DUMP "$key"
    done >"$folder/redis"
    if grep --text --extended-regexp --max-count=20 "${PATTERNS[@]}" "$folder/redis"; then
        echo 'A SECRET IS IN THE REDIS: see above.' >&2
        failed=1
    fi
fi
((failed)) || printf 'No secret in %d lines of the log.\n' "$lines"
exit "$failed"
