#!/usr/bin/env bash
# Runs every test of the project. Needs Rust and a C compiler; everything else it brings up, and ends, by itself.
# Much here is called by `trap`, or by a name in a variable:
# shellcheck disable=SC2317

set -euo pipefail
# Gives each server and each test run a process group of its own, which Ctrl-C does not reach before `clean_up` does.
set -m
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly COMPOSE_FILE=docker-compose.test.yml
readonly START_SECONDS=60
readonly CLUSTER_SETTINGS=/etc/postgresql-common/createcluster.d

usage() {
    cat <<'END'
Usage: ./run_tests.sh [-- ARGUMENTS FOR CARGO TEST]

Runs every test of the project:
  1. the direction of the dependencies between the crates,
  2. all tests of all crates, those over the socket with SQLite,
  3. the tests over the socket a second time, with PostgreSQL.

A PostgreSQL and a Redis for the tests are started on free ports of 127.0.0.1, out of
  - Docker, if its engine answers and docker-compose.test.yml is there,
  - else the programs that are installed,
  - else those that apt installs, for root on Debian and its relatives.
They are ended, and their data removed, whatever the outcome. The exit status is that of the tests.

Examples:
  ./run_tests.sh
  ./run_tests.sh -- refresh                  only tests with "refresh" in their names
  ./run_tests.sh -- -- --test-threads=1      one test at a time
END
}

say() { printf '%s\n' "$*" >&2; }

give_up() {
    say "run_tests.sh: $*"
    exit 1
}

# --- Parts, their times and their outcomes ---------------------------------------------------------------------------

declare -a summary=()
failed=0
running=

# Runs a command as the named part; notes how long it took and whether it failed.
part() {
    local name=$1 started=$SECONDS outcome=ok
    shift
    printf '\n== %s\n' "$name"
    "$@" &
    running=$!
    wait "$running" || outcome=FAILED
    running=
    summary+=("$(printf '%-48s %5d s   %s' "$name" $((SECONDS - started)) "$outcome")")
    if [[ $outcome != ok ]]; then
        failed=1
        return 1
    fi
}

print_summary() {
    printf '\n== Summary\n'
    printf '%s\n' "${summary[@]}"
    printf '%-48s %5d s\n' 'in all' "$SECONDS"
}

# --- Ending what was started -----------------------------------------------------------------------------------------

folder=
compose_project=
declare -a servers=()
declare -a installer_files=()

is_alive() { kill -0 "$1" 2>/dev/null; }

# Asks a process to end, by the given signals one after the other, each with ten seconds of patience.
end_process() {
    local pid=$1 signal
    shift
    for signal in "$@"; do
        is_alive "$pid" || break
        kill -s "$signal" -- "$pid" 2>/dev/null || true
        for _ in {1..100}; do
            is_alive "$pid" || break
            sleep 0.1
        done
    done
    wait "$pid" 2>/dev/null || true
}

remove_installer_files() {
    ((${#installer_files[@]})) || return 0
    rm -f -- "${installer_files[@]}"
    rmdir --parents --ignore-fail-on-non-empty "$CLUSTER_SETTINGS" 2>/dev/null || true
    installer_files=()
}

clean_up() {
    trap '' INT TERM HUP
    local pid
    if [[ -n $running ]]; then
        # The whole group, since cargo does not end the test that it runs.
        kill -s TERM -- "-$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
    fi
    for pid in "${servers[@]}"; do
        # INT is PostgreSQL's fast shutdown, and an orderly one for Redis too.
        end_process "$pid" INT QUIT KILL
    done
    if [[ -n $compose_project ]]; then
        compose down --volumes --timeout 10 >&2 || true
    fi
    remove_installer_files
    [[ -z $folder ]] || rm -rf -- "$folder"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- Servers out of Docker -------------------------------------------------------------------------------------------

docker_is_there() {
    [[ -f $COMPOSE_FILE ]] && command -v docker >/dev/null && timeout 20 docker info >/dev/null 2>&1
}

compose() {
    TEST_PASSWORD=$password docker compose --project-name "$compose_project" --file "$COMPOSE_FILE" "$@"
}

# The compose file has the services `postgres`, with the user doorward, and `redis`, both with the password
# $TEST_PASSWORD and with a port of 127.0.0.1 that Docker picks.
start_with_docker() {
    compose_project=doorward-tests-$$
    compose up --detach --wait --wait-timeout "$START_SECONDS" >&2
    TEST_POSTGRES_URL="postgres://doorward:$password@$(compose port postgres 5432)/postgres"
    TEST_REDIS_URL="redis://:$password@$(compose port redis 6379)"
}

# --- Servers out of installed programs -------------------------------------------------------------------------------

# Prints the folder of PostgreSQL's programs: that of the PATH, else Debian's newest.
postgres_programs() {
    local found candidate
    if found=$(command -v initdb) && [[ -x ${found%/*}/postgres ]]; then
        printf '%s\n' "${found%/*}"
        return
    fi
    while read -r candidate; do
        if [[ -x $candidate/initdb && -x $candidate/postgres ]]; then
            printf '%s\n' "$candidate"
            return
        fi
    done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse)
    return 1
}

programs_are_installed() {
    postgres_programs >/dev/null && command -v redis-server >/dev/null
}

# Installs them without letting Debian start a server or make a database.
install_with_apt() {
    local settings=$CLUSTER_SETTINGS/doorward-tests.conf policy=/usr/sbin/policy-rc.d
    say "Installing PostgreSQL and Redis with apt-get, for the tests. They stay installed, but do not run."
    mkdir -p "$CLUSTER_SETTINGS"
    installer_files+=("$settings")
    printf 'create_main_cluster = off\n' >"$settings"
    if [[ ! -e $policy ]]; then
        installer_files+=("$policy")
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update >&2
    apt-get install --yes --no-install-recommends postgresql redis-server >&2
    remove_installer_files
}

# PostgreSQL refuses to run as root, and Redis need not: for root, both run as somebody else.
server_user() {
    local user
    for user in postgres nobody; do
        if id "$user" >/dev/null 2>&1; then
            printf '%s\n' "$user"
            return
        fi
    done
    give_up "root needs a user to run PostgreSQL as: make one that is called postgres"
}

# Replaces this process (run it in the background) with a command of the servers' user.
exec_as_server() {
    if ((EUID == 0)); then
        exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --inh-caps=-all \
            env HOME="$folder" "$@"
    fi
    exec "$@"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port below those that the system hands out by itself.
free_port() {
    local port
    while :; do
        port=$((RANDOM % 12000 + 20000))
        answers "$port" || break
    done
    printf '%d\n' "$port"
}

# start_server NAME PORT READY-TEXT COMMAND…: fails when the server ends, as it does when somebody took the port.
start_server() {
    local name=$1 port=$2 ready=$3 log=$folder/$1.log pid
    shift 3
    (exec_as_server "$@") >"$log" 2>&1 </dev/null &
    pid=$!
    servers+=("$pid")
    for ((tenths = 0; tenths < START_SECONDS * 10; tenths++)); do
        is_alive "$pid" || return 1
        if grep --quiet --fixed-strings "$ready" "$log" && answers "$port"; then
            return 0
        fi
        sleep 0.1
    done
    say "$name did not get ready within $START_SECONDS seconds."
    return 1
}

# with_free_port NAME STARTER: gives the starter one free port after another.
with_free_port() {
    local name=$1 starter=$2
    for _ in {1..5}; do
        port=$(free_port)
        "$starter" && return
    done
    say "$name does not start. The end of its log:"
    tail -n 20 "$folder/$name.log" >&2
    exit 1
}

start_postgres() {
    start_server postgres "$port" 'ready to accept connections' \
        "$programs/postgres" -D "$folder/postgres/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$folder/postgres" -c max_connections=300 \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off
}

start_redis() {
    printf '%s\n' 'bind 127.0.0.1' "port $port" "requirepass $password" 'save ""' 'appendonly no' 'daemonize no' \
        "dir $folder/redis" >"$folder/redis/redis.conf"
    start_server redis "$port" 'Ready to accept connections' redis-server "$folder/redis/redis.conf"
}

start_with_programs() {
    local programs user='' port
    ((EUID != 0)) || user=$(server_user)
    programs=$(postgres_programs)
    # Not below $TMPDIR: the path of a socket must be short, and the servers' user must get there.
    folder=$(mktemp --directory /tmp/doorward-tests.XXXXXX)
    mkdir -m 700 "$folder/postgres" "$folder/redis"
    printf '%s' "$password" >"$folder/postgres/password"
    if ((EUID == 0)); then
        chmod 711 "$folder"
        chown -R "$user" "$folder/postgres" "$folder/redis"
    fi
    (exec_as_server "$programs/initdb" --pgdata="$folder/postgres/data" --username=doorward \
        --pwfile="$folder/postgres/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync) \
        >"$folder/initdb.log" 2>&1 || {
        cat "$folder/initdb.log" >&2
        give_up "PostgreSQL's initdb failed"
    }
    with_free_port postgres start_postgres
    TEST_POSTGRES_URL="postgres://doorward:$password@127.0.0.1:$port/postgres"
    with_free_port redis start_redis
    TEST_REDIS_URL="redis://:$password@127.0.0.1:$port"
}

# --- Which servers ---------------------------------------------------------------------------------------------------

start_servers() {
    local started=$SECONDS
    printf '\n== Servers\n'
    # For this run alone, since other users of the machine can reach the ports.
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    readonly password
    # What a shell sets for psql must not lead the tests elsewhere.
    unset -v "${!PG@}"
    if docker_is_there; then
        start_with_docker
    else
        if ! programs_are_installed; then
            if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
                give_up "the tests need a PostgreSQL server (initdb, postgres) and redis-server. On Debian:
  sudo apt-get install postgresql redis-server
or run this as root, who may install them, or start Docker's engine (with $COMPOSE_FILE)."
            fi
            install_with_apt
            programs_are_installed || give_up "apt-get installed no initdb, no postgres or no redis-server"
        fi
        start_with_programs
    fi
    export TEST_POSTGRES_URL TEST_REDIS_URL
    summary+=("$(printf '%-48s %5d s   %s' 'servers' $((SECONDS - started)) ok)")
    say "PostgreSQL and Redis are ready: ${TEST_POSTGRES_URL##*@} ${TEST_REDIS_URL##*@}"
}

# --- The tests -------------------------------------------------------------------------------------------------------

test_everything() {
    local -a all=(cargo test --workspace --locked --all-features)
    part 'directions between the crates' scripts/check-directions.sh || true
    part 'build' "${all[@]}" --no-run || return
    part 'all tests, SQLite over the socket' "${all[@]}" "$@" || true
    # The same selection of features, so that nothing is built again.
    TEST_STORE=postgres part 'PostgreSQL over the socket' "${all[@]}" --test http "$@" || true
}

main() {
    case ${1-} in
    -h | --help)
        usage
        exit
        ;;
    '') ;;
    --) shift ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    command -v cargo >/dev/null || give_up "cargo is missing: install Rust from https://rustup.rs"
    start_servers
    test_everything "$@" || true
    print_summary
    exit "$failed"
}

main "$@"
