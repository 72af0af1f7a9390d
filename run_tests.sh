#!/usr/bin/env bash
# Runs every test of the project. Needs Rust and a C compiler; everything else it brings up, and ends, by itself.
# Much here is called by `trap`, or by a name in a variable:
# shellcheck disable=SC2317

set -euo pipefail
# Gives each server and each test run a process group of its own, which Ctrl-C does not reach before `clean_up` does.
set -m
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly COMPOSE_FILE=docker-compose.test.yml

# shellcheck source=scripts/servers.sh
source scripts/servers.sh

usage() {
    cat <<'END'
Usage: ./run_tests.sh [-- ARGUMENTS FOR CARGO TEST]

Runs every test of the project:
  1. the direction of the dependencies between the crates, and the table of what shows which promise of security,
  2. all tests of all crates, those over the socket with SQLite,
  3. the tests over the socket a second time, with PostgreSQL and Redis,
  4. the pages in a real browser, where chromium, chromedriver and npm are installed.

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
axe=
compose_project=

clean_up() {
    trap '' INT TERM HUP
    if [[ -n $running ]]; then
        # The whole group, since cargo does not end the test that it runs.
        kill -s TERM -- "-$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
    fi
    end_servers
    if [[ -n $compose_project ]]; then
        compose down --volumes --timeout 10 >&2 || true
    fi
    [[ -z $folder ]] || rm -rf -- "$folder"
    [[ -z $axe ]] || rm -rf -- "$axe"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- Servers out of Docker -------------------------------------------------------------------------------------------

docker_is_there() {
    [[ -f $COMPOSE_FILE ]] && command -v docker >/dev/null &&
        docker compose version >/dev/null 2>&1 && timeout 20 docker info >/dev/null 2>&1
}

# With ports that Docker picks.
compose() {
    TEST_PASSWORD=$password TEST_POSTGRES_PORT=0 TEST_REDIS_PORT=0 \
        docker compose --project-name "$compose_project" --file "$COMPOSE_FILE" "$@"
}

start_with_docker() {
    compose_project=doorward-tests-$$
    compose up --detach --wait --wait-timeout "$START_SECONDS" db redis >&2
    TEST_POSTGRES_URL="postgres://test_user:$password@$(compose port db 5432)/test_db"
    TEST_REDIS_URL="redis://:$password@$(compose port redis 6379)"
}

# --- Servers out of installed programs -------------------------------------------------------------------------------

start_with_programs() {
    # Not below $TMPDIR: the path of a socket must be short, and the servers' user must get there.
    folder=$(mktemp --directory /tmp/doorward-tests.XXXXXX)
    need_programs
    start_postgres
    start_redis
    TEST_POSTGRES_URL=$postgres_url
    TEST_REDIS_URL=$redis_url
}

# --- Which servers ---------------------------------------------------------------------------------------------------

start_servers() {
    local started=$SECONDS
    printf '\n== Servers\n'
    if docker_is_there; then
        start_with_docker
    else
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
    part 'table of security' scripts/check-security-table.sh || true
    part 'build' "${all[@]}" --no-run || return
    part 'all tests, SQLite over the socket' "${all[@]}" "$@" || true
    # The same selection of features, so that nothing is built again.
    TEST_STORE=postgres part 'PostgreSQL and Redis over the socket' "${all[@]}" --test http "$@" || true
}

# --- The browser -----------------------------------------------------------------------------------------------------

# Fetches axe-core, which judges how accessible pages are. Not kept: it is no part of the project.
fetch_axe() {
    npm install --silent --no-audit --no-fund --prefix "$1" 'axe-core@^4.10' >&2
}

test_in_browser() {
    local program
    for program in chromium chromedriver npm; do
        if ! command -v "$program" >/dev/null; then
            say "THE PAGES ARE NOT TRIED IN A BROWSER: $program is not installed."
            summary+=('the pages in a browser                           NOT RUN, '"$program is not installed")
            return
        fi
    done
    axe=$(mktemp --directory)
    part 'axe-core' fetch_axe "$axe" || return
    TEST_AXE=$axe/node_modules/axe-core/axe.min.js \
        part 'the pages in a browser' \
        cargo test --workspace --locked --all-features --test browser -- --test-threads=2 || true
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
    (($#)) || test_in_browser || true
    print_summary
    exit "$failed"
}

main "$@"
