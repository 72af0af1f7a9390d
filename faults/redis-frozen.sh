#!/usr/bin/env bash
# Redis frozen under load, as by a network that swallows everything: nobody waits for it.
# Functions are called by a name in an argument:
# shellcheck disable=SC2317

# shellcheck source=faults/redis.inc.sh
source "$(dirname "${BASH_SOURCE[0]}")/redis.inc.sh"

frozen() {
    kill -s STOP -- "$redis_pid"
    degraded_soon frozen
    logs_out frozen
}

thawed() {
    kill -s CONT -- "$redis_pid"
    ok_soon thawed
}

measure frozen frozen
report frozen
measure thawed thawed
report thawed
exit "$failed"
