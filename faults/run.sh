#!/usr/bin/env bash
# Injects the faults that Doorward must withstand, and prints one line a figure: what was measured, its limit, and
# whether it held.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# No fault takes longer, and all of them together take less than twenty minutes.
readonly SECONDS_A_FAULT=150
readonly -a ALL=(starters files nodes redis-killed redis-flushed redis-frozen health postgres frozen pool disk kill sigterm rolling clock storm idle slow tls timing tasks-due tasks-killed tasks-stopped tasks-cancel tasks-idle junk-keys)

usage() {
    cat <<END
Usage: faults/run.sh [FAULT…]

Injects faults under load, by default all of them, and prints what was measured and whether it held. The exit status is
0 when everything held, and 1 otherwise. Servers and nodes are started for this on free ports of 127.0.0.1, and ended.

Faults: ${ALL[*]}

Needs PostgreSQL and Redis (root on Debian has them installed), curl, jq, psql, sqlite3; root for disk; libfaketime for
clock; openssl for tls. Builds the release binaries first, unless DOORWARD and DOORWARD_LOAD name others.
END
}

running=
# shellcheck disable=SC2317 # called by trap
stop() {
    trap '' INT TERM
    [[ -z $running ]] || { kill -s TERM -- "$running" && wait "$running"; } 2>/dev/null || true
    exit 130
}
trap stop INT TERM

case ${1-} in
-h | --help)
    usage
    exit
    ;;
esac
declare -a chosen=("$@")
((${#chosen[@]})) || chosen=("${ALL[@]}")
for fault in "${chosen[@]}"; do
    [[ " ${ALL[*]} " == *" $fault "* ]] || {
        usage >&2
        exit 2
    }
done

if [[ -z ${DOORWARD-} || -z ${DOORWARD_LOAD-} ]]; then
    cargo build --release --locked -p doorward -p doorward-load
fi

printf '%-8s  %-15s  %-62s %14s   %s\n' '' FAULT WHAT MEASURED LIMIT
failed=0
for fault in "${chosen[@]}"; do
    timeout --kill-after=60 "$SECONDS_A_FAULT" bash "faults/$fault.sh" &
    running=$!
    wait "$running" || {
        status=$?
        failed=1
        ((status == 1)) || printf 'FAILED    %-15s  could not be tried, or not to its end: exit status %d\n' "$fault" "$status"
    }
    running=
done
if ((failed)); then
    printf '\nNot everything held, after %d s.\n' "$SECONDS"
else
    printf '\nEverything held, after %d s.\n' "$SECONDS"
fi
exit "$failed"
