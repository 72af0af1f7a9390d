#!/usr/bin/env bash
# Redis flushed under load, again and again: it is never the only one that knows of a revocation.
# Functions are called by a name in an argument:
# shellcheck disable=SC2317

# shellcheck source=faults/redis.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/redis.inc.sh"

flushed() {
    for _ in {1..5}; do
        redis FLUSHALL
        redis SCRIPT FLUSH
        sleep 0.5
    done
    logs_out flushed
    ok_soon flushed
}

measure flushed flushed
report flushed
exit "$failed"
