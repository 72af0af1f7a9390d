# shellcheck shell=bash
# A private PostgreSQL and a private Redis, on free ports of 127.0.0.1, out of installed programs. To be sourced by a
# script that has set `folder` to a new folder with a short path, which the servers' user can get into, and that calls
# end_servers when it ends, with Ctrl-C too: `set -m` keeps that from the servers until then.
#
#   need_programs          finds the programs, or installs them where it may
#   start_postgres         sets postgres_url, postgres_port, postgres_pid
#   start_redis            sets redis_url, redis_port, redis_pid
#   stop_server NAME SIGNAL, start_postgres_again, start_redis_again
#   end_servers            ends what was started, and nothing else
#
# What it sets is for the script that sources it, and so is what that has set for it:
# shellcheck disable=SC2034,SC2154

readonly START_SECONDS=60
readonly CLUSTER_SETTINGS=/etc/postgresql-common/createcluster.d

# Makes PostgreSQL quick, and forgetful if the machine dies; a script may set others before it starts it.
declare -a postgres_settings=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off)
declare -A server_pids=()
declare -a installer_files=()
programs=
user=
# For this run alone, since other users of the machine can reach the ports.
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
readonly password
# What a shell sets for psql must not lead anywhere else.
unset -v "${!PG@}"

say() { printf '%s\n' "$*" >&2; }

give_up() {
    say "${0##*/}: $*"
    exit 2
}

is_alive() { kill -0 "$1" 2>/dev/null; }

# Asks a process to end, by the given signals one after the other, each with ten seconds of patience.
end_process() {
    local pid=$1 signal
    shift
    for signal in "$@"; do
        is_alive "$pid" || break
        kill -s "$signal" -- "$pid" || true
        for _ in {1..200}; do
            is_alive "$pid" || break
            sleep 0.05
        done
    done
    wait "$pid" || true
    # Bash tells of whoever is killed.
} 2>/dev/null

# PostgreSQL's folder of programs: that of the PATH, else Debian's newest.
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

remove_installer_files() {
    ((${#installer_files[@]})) || return 0
    rm -f -- "${installer_files[@]}"
    rmdir --parents --ignore-fail-on-non-empty "$CLUSTER_SETTINGS" 2>/dev/null || true
    installer_files=()
}

# Installs them without letting Debian start a server or make a database.
install_with_apt() {
    local settings=$CLUSTER_SETTINGS/doorward.conf policy=/usr/sbin/policy-rc.d
    say "Installing PostgreSQL and Redis with apt-get. They stay installed, but do not run."
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
    local name
    for name in postgres nobody; do
        if id "$name" >/dev/null 2>&1; then
            printf '%s\n' "$name"
            return
        fi
    done
    give_up "root needs a user to run PostgreSQL as: make one that is called postgres"
}

need_programs() {
    if ! programs_are_installed; then
        if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
            give_up "needs a PostgreSQL server (initdb, postgres) and redis-server. On Debian:
  sudo apt-get install postgresql redis-server
or run this as root, who may install them."
        fi
        install_with_apt
        programs_are_installed || give_up "apt-get installed no initdb, no postgres or no redis-server"
    fi
    programs=$(postgres_programs)
    if ((EUID == 0)); then
        user=$(server_user)
        chmod 711 "$folder"
    fi
}

# Replaces this process (run it in the background) with a command of the servers' user.
exec_as_server() {
    if ((EUID == 0)); then
        exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --inh-caps=-all \
            env HOME="$folder" "$@"
    fi
    exec "$@"
}

give_to_server() {
    ((EUID != 0)) || chown -R "$user" "$@"
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
    local name=$1 port=$2 ready=$3 log=$folder/$1.log pid tenths
    shift 3
    : >"$log"
    (exec_as_server "$@") >>"$log" 2>&1 </dev/null &
    pid=$!
    server_pids[$name]=$pid
    for ((tenths = 0; tenths < START_SECONDS * 20; tenths++)); do
        is_alive "$pid" || return 1
        if grep --quiet --fixed-strings "$ready" "$log" && answers "$port"; then
            return 0
        fi
        sleep 0.05
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
    exit 2
}

run_postgres() {
    start_server postgres "$port" 'ready to accept connections' \
        "$programs/postgres" -D "$folder/postgres/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$folder/postgres" -c max_connections=300 \
        "${postgres_settings[@]}"
}

start_postgres() {
    local port
    mkdir -m 700 "$folder/postgres"
    printf '%s' "$password" >"$folder/postgres/password"
    give_to_server "$folder/postgres"
    (exec_as_server "$programs/initdb" --pgdata="$folder/postgres/data" --username=doorward \
        --pwfile="$folder/postgres/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync) \
        >"$folder/initdb.log" 2>&1 || {
        cat "$folder/initdb.log" >&2
        give_up "PostgreSQL's initdb failed"
    }
    with_free_port postgres run_postgres
    postgres_port=$port
    postgres_pid=${server_pids[postgres]}
    postgres_url=postgres://doorward:$password@127.0.0.1:$port/postgres
}

run_redis() {
    printf '%s\n' 'bind 127.0.0.1' "port $port" "requirepass $password" 'save ""' 'appendonly no' 'daemonize no' \
        "dir $folder/redis" >"$folder/redis/redis.conf"
    start_server redis "$port" 'Ready to accept connections' redis-server "$folder/redis/redis.conf"
}

start_redis() {
    local port
    mkdir -m 700 "$folder/redis"
    give_to_server "$folder/redis"
    with_free_port redis run_redis
    redis_port=$port
    redis_pid=${server_pids[redis]}
    redis_url=redis://:$password@127.0.0.1:$port
}

# stop_server NAME SIGNAL: and waits until it has ended.
stop_server() {
    end_process "${server_pids[$1]}" "$2" KILL
    unset -v "server_pids[$1]"
}

start_postgres_again() {
    local port=$postgres_port
    run_postgres || give_up "PostgreSQL does not start again"
    postgres_pid=${server_pids[postgres]}
}

start_redis_again() {
    local port=$redis_port
    run_redis || give_up "Redis does not start again"
    redis_pid=${server_pids[redis]}
}

# What was frozen hears no other signal, and is let go first.
end_servers() {
    local name
    for name in "${!server_pids[@]}"; do
        kill -s CONT -- "${server_pids[$name]}" 2>/dev/null || true
        # INT is PostgreSQL's fast shutdown, and an orderly one for Redis too.
        end_process "${server_pids[$name]}" INT QUIT KILL
    done
    server_pids=()
    remove_installer_files
}
