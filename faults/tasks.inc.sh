# shellcheck shell=bash
# What the faults of scheduled tasks share: a node that runs none, workers, and a receiver of webhooks that writes down
# the id of each. Somebody is logged in who has a secret for them.
# Much here is called by a name in an argument:
# shellcheck disable=SC2317

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql

token=

# ask METHOD PATH [JSON]: the body of the answer.
ask() {
    curl --silent --max-time 10 --request "$1" "http://$(target a)/api/v1$2" ${token:+--header "Authorization: Bearer $token"} \
        ${3:+--header 'Content-Type: application/json' --data "$3"}
}

# begin_tasks DATABASE [RECEIVER-OPTION…]
begin_tasks() {
    use_postgres "$1"
    shift
    serve_options=(--no-worker)
    export WEBHOOK_ALLOW=127.0.0.1/32
    start_node a
    receiver_port=$(free_port)
    "$LOAD" receive --listen "127.0.0.1:$receiver_port" --ids "$folder/ids.csv" "$@" 2>"$folder/receiver.log" &
    others+=($!)
    local account='{"username": "ada", "email": "ada@example.com", "password": "correct horse 42"}'
    ask POST /user/create "$account" >/dev/null
    token=$(ask POST /user/login '{"username": "ada", "password": "correct horse 42"}' | jq --raw-output .access_token)
    ask POST /webhook-secret >/dev/null
}

# start_worker NAME [VARIABLE=VALUE…]: a process that runs tasks and nothing else.
start_worker() {
    local name=$1
    shift
    mkdir -p "$folder/$name"
    (
        cd "$folder/$name"
        exec env SECRET_KEY="$secret_key" LOG_FORMAT=json RUST_LOG=info DATABASE_URL="$database_url" "$@" "$DOORWARD" worker
    ) >>"$folder/$name.log" 2>&1 </dev/null &
    node_pids[$name]=$!
    for _ in {1..500}; do
        is_alive "${node_pids[$name]}" || break
        ! grep --no-messages --quiet 'runs tasks' "$folder/$name.log" || return 0
        sleep 0.02
    done
    tail -n 5 "$folder/$name.log" >&2
    give_up "the worker $name does not run"
}

# requests FILE: asks what curl's configuration FILE says, many at once, and prints how often there was each status.
requests() {
    curl --silent --no-progress-meter --parallel --parallel-max 16 --config "$1" | sort | uniq --count |
        awk '{ printf "%s%s:%s", (NR > 1 ? " " : ""), $2, $1 }'
}

# add_request FILE METHOD PATH [JSON]
add_request() {
    {
        [[ ! -s $1 ]] || printf 'next\n'
        printf 'silent\nmax-time = 20\noutput = /dev/null\nwrite-out = "%%{http_code}\\n"\n'
        printf 'request = "%s"\nurl = "http://%s/api/v1%s"\n' "$2" "$(target a)" "$3"
        printf 'header = "Authorization: Bearer %s"\n' "$token"
        [[ -z ${4-} ]] || printf 'header = "Content-Type: application/json"\ndata = "%s"\n' "${4//\"/\\\"}"
    } >>"$1"
}

# make_webhooks COUNT TIME: so many tasks that are due then. Prints how often there was each status.
make_webhooks() {
    local number task=$folder/make.curl
    for ((number = 1; number <= $1; number++)); do
        add_request "$task" POST /tasks "{\"name\": \"task $number\", \"kind\": \"webhook\", \"scheduled_at\": \"$2\", \
\"payload\": {\"url\": \"http://127.0.0.1:$receiver_port/hook\"}}"
    done
    requests "$task"
}

# in_seconds SECONDS: that time, as the API takes it.
in_seconds() { date --utc --date "+$1 seconds" +%FT%TZ; }

tasks_sql() { sql "${database_url##*/}" "$1"; }
count_tasks() { tasks_sql "SELECT count(*) FROM tasks WHERE $1"; }
# have_ended COUNT
have_ended() { (($(count_tasks 'finished_at IS NOT NULL') >= $1)); }
# received COUNT: so many webhooks have arrived.
received() { (($(wc -l <"$folder/ids.csv") >= $1)); }

# wait_for SECONDS COMMAND…
wait_for() {
    local last=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS <= last)) || give_up "in vain waited for: $*"
        sleep 0.1
    done
}

# later_than TIME: it has come.
later_than() { [[ ! $(date --utc +%FT%TZ) < $1 ]]; }

need_programs
start_postgres
