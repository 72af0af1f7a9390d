# shellcheck shell=bash
# What the fault scripts share. Each of them sources this, injects one kind of fault under load, and prints one line a
# figure. The exit status is 0 when everything held, 1 when something did not, and 2 when it could not be tried.
# Much here is called by `trap`, or is for the scripts:
# shellcheck disable=SC2317,SC2034

set -euo pipefail
# Gives each process a group of its own, which Ctrl-C does not reach before clean_up does.
set -m
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly DOORWARD=${DOORWARD:-$PWD/target/release/doorward}
readonly LOAD=${DOORWARD_LOAD:-$PWD/target/release/doorward-load}
readonly KEPT=$PWD/target/faults
fault=$(basename "$0" .sh)
readonly fault
folder=$(mktemp --directory /tmp/doorward-faults.XXXXXX)
readonly folder

# shellcheck source=scripts/servers.sh
source scripts/servers.sh
# A crash must not lose what was acknowledged, if PostgreSQL is to blame for none.
postgres_settings=(-c fsync=off -c synchronous_commit=on)

declare -A node_pids=() node_ports=() loads=()
declare -a mounts=() others=() serve_options=()
secret_key=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | tr 0-9 g-p)
readonly secret_key
failed=0
scheme=http
database_url=
redis_url=

clean_up() {
    local status=$? name mount pid
    trap '' INT TERM HUP
    for name in "${!loads[@]}"; do
        end_process "${loads[$name]}" TERM KILL
    done
    for pid in "${others[@]}"; do
        end_process "$pid" TERM KILL
    done
    for name in "${!node_pids[@]}"; do
        kill -s CONT -- "${node_pids[$name]}" 2>/dev/null || true
        end_process "${node_pids[$name]}" INT KILL
    done
    thaw_postgres
    end_servers
    for mount in "${mounts[@]}"; do
        umount -- "$mount" || say "$mount could not be unmounted."
    done
    rm -rf -- "${KEPT:?}/$fault"
    if ((failed || status)); then
        mkdir -p "$KEPT/$fault"
        find "$folder" -maxdepth 1 -type f \( -name '*.log' -o -name '*.json' -o -name '*.csv' \) \
            -exec cp -t "$KEPT/$fault" {} +
        say "$fault: logs and measurements are in ${KEPT#"$PWD"/}/$fault"
    fi
    rm -rf -- "$folder"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- Figures ---------------------------------------------------------------------------------------------------------

line() { printf '%-8s  %-15s  %-62s %14s   %s\n' "$1" "$fault" "$2" "$3" "$4"; }

# A figure that has a limit: at_most WHAT MEASURED LIMIT [UNIT]
at_most() {
    local word=held
    if ! awk -v measured="$2" -v limit="$3" 'BEGIN { exit !(measured != "" && measured + 0 <= limit + 0) }'; then
        word='NOT HELD'
        failed=1
    fi
    line "$word" "$1" "$(rounded "$2")${4:+ $4}" "at most $(rounded "$3")${4:+ $4}"
}

at_least() {
    local word=held
    if ! awk -v measured="$2" -v limit="$3" 'BEGIN { exit !(measured != "" && measured + 0 >= limit + 0) }'; then
        word='NOT HELD'
        failed=1
    fi
    line "$word" "$1" "$(rounded "$2")${4:+ $4}" "at least $(rounded "$3")${4:+ $4}"
}

# is WHAT MEASURED EXPECTED
is() {
    local word=held
    if [[ $2 != "$3" ]]; then
        word='NOT HELD'
        failed=1
    fi
    line "$word" "$1" "$2" "$3"
}

# A figure without a limit.
note() { line '' "$1" "$2" ''; }

not_run() { line 'NOT RUN' "$1" '' "$2"; }

rounded() { awk -v value="$1" 'BEGIN { if (value ~ /^-?[0-9]+\.[0-9]+$/) printf "%.2f", value; else print value }'; }

longer() { awk -v one="$1" -v other="$2" 'BEGIN { print (one + 0 > other + 0) ? one : other }'; }

sum() { awk "BEGIN { printf \"%.3f\", $1 }"; }

# --- Nodes -----------------------------------------------------------------------------------------------------------

# start_node NAME [VARIABLE=VALUE…]: on its earlier port, if it had one; fails when it does not get ready.
start_node() {
    local name=$1
    shift
    : "${node_ports[$name]:=$(free_port)}"
    launch_node "$name" "$@"
    wait_until_ready "$name" || {
        tail -n 5 "$folder/$name.log" >&2
        give_up "the node $name does not get ready"
    }
}

launch_node() {
    local name=$1
    shift
    : "${node_ports[$name]:=$(free_port)}"
    mkdir -p "$folder/$name"
    (
        cd "$folder/$name"
        exec env BIND="127.0.0.1:${node_ports[$name]}" SECRET_KEY="$secret_key" BCRYPT_COST=10 LOG_FORMAT=text \
            RUST_LOG=warn LOGIN_RATE_LIMIT=off REGISTER_RATE_LIMIT=off SHUTDOWN_DELAY=1 \
            ${database_url:+DATABASE_URL="$database_url"} ${redis_url:+REDIS_URL="$redis_url"} "$@" "$DOORWARD" serve "${serve_options[@]}"
    ) >>"$folder/$name.log" 2>&1 </dev/null &
    node_pids[$name]=$!
}

wait_until_ready() {
    local name=$1
    for _ in {1..1000}; do
        is_alive "${node_pids[$name]}" || return 1
        [[ $(status_of "$name" /readyz) != 200 ]] || return 0
        sleep 0.02
    done
    return 1
}

target() { printf '127.0.0.1:%s\n' "${node_ports[$1]}"; }

status_of() { curl --silent --insecure --max-time 2 --output /dev/null --write-out '%{http_code}' "$scheme://$(target "$1")$2" || true; }

body_of() { curl --silent --max-time 2 "http://$(target "$1")$2" || true; }

# seconds_until COMMAND…: how long it takes until the command succeeds; it is tried for ten seconds.
seconds_until() {
    local began=$EPOCHREALTIME last=$((SECONDS + 10))
    until "$@" || ((SECONDS > last)); do
        sleep 0.02
    done
    sum "$EPOCHREALTIME - $began"
}

is_not_ready() { [[ $(status_of "$1" /readyz) != 200 ]]; }
is_ready() { [[ $(status_of "$1" /readyz) == 200 ]]; }
# has_health NAME HTTP-STATUS WORD
has_health() {
    local answer
    answer=$(curl --silent --max-time 2 --write-out '%{http_code}' "http://$(target "$1")/api/v1/health" || true)
    [[ $answer == *"\"status\":\"$3\""* && $answer == *"$2" ]]
}

# end_node NAME SIGNAL: sets ended_with to its exit status, and ended_after to the seconds it took.
end_node() {
    local pid=${node_pids[$1]} began=$EPOCHREALTIME
    ended_with=0
    kill -s "$2" -- "$pid"
    # Bash tells of a killed one.
    { wait "$pid" || ended_with=$?; } 2>/dev/null
    ended_after=$(sum "$EPOCHREALTIME - $began")
    unset -v "node_pids[$1]"
}

# --- Databases -------------------------------------------------------------------------------------------------------

sql() { PGPASSWORD=$password psql --no-psqlrc --quiet --tuples-only --no-align --host 127.0.0.1 --port "$postgres_port" --username doorward --dbname "$1" --command "$2"; }

# use_postgres NAME: makes an empty database and leads the nodes there.
use_postgres() {
    local name=$1
    sql postgres "CREATE DATABASE $name" >/dev/null
    database_url=postgres://doorward:$password@127.0.0.1:$postgres_port/$name
}

redis() { REDISCLI_AUTH=$password redis-cli -h 127.0.0.1 -p "$redis_port" "$@" >/dev/null; }

# PostgreSQL's processes are children of the first, each in a group of its own.
declare -a frozen=()
freeze_postgres() {
    mapfile -t frozen < <(printf '%d\n' "$postgres_pid"; pgrep --parent "$postgres_pid")
    kill -s STOP -- "${frozen[@]}"
}

thaw_postgres() {
    ((${#frozen[@]})) || return 0
    kill -s CONT -- "${frozen[@]}" 2>/dev/null || true
    frozen=()
}

# --- Load ------------------------------------------------------------------------------------------------------------

# begin_load NAME NODES SCENARIO OPTIONS…: returns when it asks. NODES has spaces between.
begin_load() {
    local name=$1 scenario=$3 node
    local -a targets=()
    for node in $2; do
        targets+=(--target "$(target "$node")")
    done
    shift 3
    rm -f -- "$folder/$name.started"
    "$LOAD" run "$scenario" "${targets[@]}" --json --started "$folder/$name.started" --csv "$folder/$name.csv" "$@" \
        >"$folder/$name.json" 2>"$folder/$name.load.log" &
    loads[$name]=$!
    for _ in {1..3000}; do
        [[ ! -e $folder/$name.started ]] || return 0
        is_alive "${loads[$name]}" || break
        sleep 0.02
    done
    cat "$folder/$name.load.log" >&2
    give_up "the load $name does not begin"
}

# end_load NAME…: waits until it is over. A wrong answer is seen in its figures.
end_load() {
    local name status
    for name in "$@"; do
        status=0
        wait "${loads[$name]}" || status=$?
        unset -v "loads[$name]"
        if ((status > 1)); then
            cat "$folder/$name.load.log" >&2
            give_up "the load $name failed"
        fi
    done
}

# figure NAME FILTER: out of what a load has told.
figure() { jq --raw-output "$2" "$folder/$1.json"; }

# Every request of a load was answered, and rightly.
no_failures() {
    local name=$1 what=$2
    is "$what: lost, timed out, 5xx, 401, wrong" \
        "$(figure "$name" '[.lost, .timed_out, .unavailable.count + .other_5xx, .unauthorized, .wrong] | map(tostring) | join(" ")')" \
        '0 0 0 0 0'
}

# Answers were right or an honest 503, and nobody was logged out.
only_refusals() {
    local name=$1 what=$2
    is "$what: lost, timed out, other 5xx, 401, wrong, 503 bare" \
        "$(figure "$name" '[.lost, .timed_out, .other_5xx, .unauthorized, .wrong, .unavailable_without_retry_after] | map(tostring) | join(" ")')" \
        '0 0 0 0 0 0'
}

need_commands() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || give_up "needs $command"
    done
    [[ -x $DOORWARD && -x $LOAD ]] || give_up "needs cargo build --release -p doorward -p doorward-load"
}

need_commands curl jq awk pgrep
