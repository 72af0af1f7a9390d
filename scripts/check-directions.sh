#!/usr/bin/env bash
# Fails on any dependency between the crates that ARCHITECTURE.md does not draw, and on any crate that knows of
# something it must not know of. Dependencies of tests are exempt.
#
#   domain <- storage <- {storage-diesel, services};  services <- {redis, worker, api, admin};  server -> all
#
# metrics knows nothing, and whoever counts knows it. The worker claims tasks through the ports of storage. bcrypt-batch stands for itself: it knows of none of them, and
# services alone knows of it.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0

complain() {
    printf 'wrong direction: %s\n' "$*" >&2
    failed=1
}

# The crates of this workspace that a crate may depend on itself.
allowed() {
    case $1 in
    doorward-domain | doorward-metrics | doorward-load | bcrypt-batch) ;;
    doorward-storage) echo doorward-domain doorward-metrics ;;
    doorward-storage-diesel) echo doorward-domain doorward-metrics doorward-storage ;;
    doorward-services) echo doorward-domain doorward-metrics doorward-storage bcrypt-batch ;;
    doorward-redis) echo doorward-domain doorward-services ;;
    doorward-api | doorward-admin) echo doorward-domain doorward-metrics doorward-services ;;
    doorward-worker) echo doorward-domain doorward-storage doorward-services ;;
    doorward | doorward-example-*) echo "${crates[@]}" ;;
    *) return 1 ;;
    esac
}

# What must not occur among a crate's dependencies, nor among theirs, as a regular expression for whole names.
forbidden() {
    local web='actix.*' database='doorward-storage-diesel|diesel.*|r2d2|libsqlite3-sys|pq-sys'
    local redis='redis.*|deadpool.*'
    case $1 in
    doorward-domain) echo "tokio.*|async-.*|$web|$database|$redis" ;;
    doorward-storage) echo "$web|$database|$redis" ;;
    doorward-services) echo "$web|$database|$redis" ;;
    doorward-api | doorward-admin) echo "$database" ;;
    doorward-worker) echo "$web|$database|$redis" ;;
    *) echo '' ;;
    esac
}

# The names of the dependencies of a crate, down to a depth, with all features on; the crate itself comes first.
dependencies() {
    cargo tree --locked --package "$1" --all-features --edges normal --prefix none --depth "$2" |
        cut -d ' ' -f 1
}

# Captured rather than piped, so that a failure of cargo is one of this script.
listed=$(cargo tree --locked --workspace --depth 0 --prefix none)
mapfile -t crates < <(printf '%s\n' "$listed" | cut -d ' ' -f 1 | sort --unique | grep .)

for crate in "${crates[@]}"; do
    if ! may=$(allowed "$crate"); then
        complain "$crate has no place yet; give it one in scripts/check-directions.sh"
        continue
    fi
    direct=$(dependencies "$crate" 1)
    for other in "${crates[@]}"; do
        if [[ $other != "$crate" && " $may " != *" $other "* ]] && grep --quiet --line-regexp "$other" <<<"$direct"; then
            complain "$crate -> $other"
        fi
    done
    never=$(forbidden "$crate")
    [[ -n $never ]] || continue
    everything=$(dependencies "$crate" 999)
    while read -r known; do
        complain "$crate must not know of $known (see: cargo tree -p $crate -e normal -i $known)"
    done < <(tail -n +2 <<<"$everything" | grep --extended-regexp --line-regexp "$never" | sort --unique)
done

((failed)) || printf 'All %d crates depend in the right direction.\n' "${#crates[@]}"
exit "$failed"
