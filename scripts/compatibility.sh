#!/usr/bin/env bash
# Runs the tests that a server decides against several of its releases, and prints a table.
# Much here is called by `trap`, or by a name in a variable:
# shellcheck disable=SC2317

set -euo pipefail
# Gives each server and each test run a process group of its own, which Ctrl-C does not reach before `clean_up` does.
set -m
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/servers.sh
source scripts/servers.sh

# Which the tests over the socket build.
doorward=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/doorward
readonly doorward

usage() {
    cat <<'END'
Usage: scripts/compatibility.sh [redis=PROGRAM | valkey=PROGRAM | pgbouncer=PROGRAM]…

Runs tests against these servers, any number of each kind; without arguments, against those that are installed:
  redis, valkey   the tests of crates/redis
  pgbouncer       the contract of storage, and the tests over the socket, on PostgreSQL behind PgBouncer (1.21 or later)
                  in transaction mode

Each is started on a free port of 127.0.0.1 in a temporary folder, and ended. The exit status is that of the tests.

Example: scripts/compatibility.sh redis=/opt/redis-6/redis-server valkey="$(command -v valkey-server)"
END
}

# --- Ending what was started -----------------------------------------------------------------------------------------

root=
running=

clean_up() {
    trap '' INT TERM HUP
    if [[ -n $running ]]; then
        # The whole group, since cargo does not end the test that it runs.
        kill -s TERM -- "-$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
    fi
    end_servers
    [[ -z $root ]] || rm -rf -- "$root"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- The table -------------------------------------------------------------------------------------------------------

declare -a table=()
failed=0

# tests_pass SERVER WHAT CARGO-TEST-ARGUMENT…: a row of the table.
tests_pass() {
    local server=$1 what=$2 log=$folder/tests.log began=$SECONDS outcome=ok
    shift 2
    printf '\n== %s: %s\n' "$server" "$what"
    cargo test --locked --all-features "$@" >"$log" 2>&1 &
    running=$!
    wait "$running" || outcome=FAILED
    running=
    if [[ $outcome != ok ]]; then
        failed=1
        cat "$log"
    fi
    row "$server" "$what" "$(counted passed "$log")" "$(counted failed "$log")" $((SECONDS - began)) "$outcome"
}

# row SERVER WHAT PASSED FAILED SECONDS OUTCOME
row() {
    table+=("$(printf '%-26s  %-34s  %6d  %6d  %5d s   %s' "$@")")
    printf '%s\n' "${table[-1]}"
}

# counted WORD LOG: over all test programs of a run.
counted() {
    awk -v word="$1;" '/^test result:/ { for (i = 2; i <= NF; i++) if ($i == word) sum += $(i - 1) } END { print sum + 0 }' "$2"
}

print_table() {
    printf '\n%-26s  %-34s  %6s  %6s  %7s   %s\n' SERVER TESTS PASSED FAILED TOOK OUTCOME
    printf '%s\n' "${table[@]}"
}

# --- Redis and Valkey ------------------------------------------------------------------------------------------------

# Tests start servers of their own, too: out of the PATH, and under this name.
check_redis() {
    local name=$1 program=$2 version
    version=$("$program" --version)
    version=${version#* v=}
    mkdir "$folder/bin"
    printf '#!/bin/sh\nexec %q "$@"\n' "$program" >"$folder/bin/redis-server"
    chmod 755 "$folder/bin/redis-server"
    local PATH=$folder/bin:$PATH
    start_redis
    TEST_REDIS_URL=$redis_url tests_pass "$name ${version%% *}" 'crates/redis' -p doorward-redis
    stop_server redis INT
}

# --- PgBouncer -------------------------------------------------------------------------------------------------------

run_pgbouncer() {
    cat >"$folder/pgbouncer.ini" <<END
[databases]
* = host=127.0.0.1 port=$postgres_port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $folder/users.txt
pool_mode = ${1:-transaction}
max_prepared_statements = ${2:-100}
default_pool_size = 20
server_login_retry = 1
query_wait_timeout = 2
max_client_conn = 1000
END
    give_to_server "$folder/pgbouncer.ini" "$folder/users.txt"
    start_server pgbouncer "$port" 'process up' "$pgbouncer" "$folder/pgbouncer.ini"
}

check_pgbouncer() {
    local pgbouncer=$2 version server port
    version=$("$pgbouncer" --version)
    version=${version#PgBouncer }
    server="$1 ${version%%[!0-9.]*}"
    (umask 077 && printf '"doorward" "%s"\n' "$password" >"$folder/users.txt")
    with_free_port pgbouncer run_pgbouncer
    # The tests over the socket have nodes that share a Redis, too.
    start_redis
    export TEST_REDIS_URL=$redis_url
    export TEST_POSTGRES_URL=$postgres_url TEST_POSTGRES_VIA=postgres://doorward:$password@127.0.0.1:$port
    tests_pass "$server" 'contract of storage' -p doorward-storage-diesel
    TEST_STORE=postgres tests_pass "$server" 'over the socket' -p doorward --test http
    stop_server redis INT
    stop_server pgbouncer QUIT
    is_refused "$server" 'pool_mode = statement' run_in_statement_mode
    is_refused "$server" 'max_prepared_statements = 0' run_without_statements
}

run_in_statement_mode() { run_pgbouncer statement; }
run_without_statements() { run_pgbouncer transaction 0; }

# is_refused SERVER SETTING STARTER: Doorward does not start behind a pooler that would mix things up, and says why.
is_refused() {
    local server=$1 setting=$2 outcome=ok port told began=$SECONDS
    with_free_port pgbouncer "$3"
    told=$(cd "$folder" && SECRET_KEY=$(head -c 48 /dev/urandom | base64 --wrap=0) \
        DATABASE_URL=postgres://doorward:$password@127.0.0.1:$port/postgres "$doorward" check 2>&1) && outcome=FAILED
    [[ $told == *"${setting%% =*}"* ]] || outcome=FAILED
    if [[ $outcome == ok ]]; then
        row "$server" "refused: $setting" 1 0 $((SECONDS - began)) ok
    else
        failed=1
        row "$server" "refused: $setting" 0 1 $((SECONDS - began)) "FAILED: $told"
    fi
    stop_server pgbouncer QUIT
}

# --- Which servers ---------------------------------------------------------------------------------------------------

installed() {
    local kind program
    for kind in redis-server valkey-server pgbouncer; do
        if program=$(command -v "$kind"); then
            printf '%s=%s\n' "${kind%-server}" "$program"
        fi
    done
}

main() {
    local -a servers=("$@")
    local server kind program number=0
    if [[ ${1-} == -h || ${1-} == --help ]]; then
        usage
        exit
    fi
    (($#)) || mapfile -t servers < <(installed)
    ((${#servers[@]})) || give_up 'no redis-server, valkey-server or pgbouncer is installed; see --help'
    for server in "${servers[@]}"; do
        program=${server#*=}
        [[ ${server%%=*} =~ ^(redis|valkey|pgbouncer)$ && $program == /* ]] || {
            usage >&2
            exit 2
        }
        [[ -x $program ]] || give_up "$program cannot be run"
    done
    root=$(mktemp --directory /tmp/doorward-compatibility.XXXXXX)
    folder=$root
    need_programs
    [[ " ${servers[*]}" != *' pgbouncer='* ]] || start_postgres
    for server in "${servers[@]}"; do
        kind=${server%%=*}
        folder=$root/$((++number))
        mkdir -m 711 "$folder"
        if [[ $kind == pgbouncer ]]; then
            check_pgbouncer PgBouncer "${server#*=}"
        else
            check_redis "${kind^}" "${server#*=}"
        fi
    done
    print_table
    exit "$failed"
}

main "$@"
