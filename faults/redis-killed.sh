#!/usr/bin/env bash
# Redis killed under load, and started again, empty: nobody notices but the operator.
# Functions are called by a name in an argument:
# shellcheck disable=SC2317

# shellcheck source=faults/redis.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/redis.inc.sh"

killed() {
    stop_server redis KILL
    degraded_soon killed
    logs_out killed
}

back() {
    start_redis_again
    ok_soon back
}

measure killed killed
report killed
measure back back
report back
exit "$failed"
