#!/usr/bin/env bash
# Five processes start at once on an empty database: the migrations run once, and all serve. A binary refuses a
# database with a migration that it does not know.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands psql sqlite3

need_programs
start_postgres
use_postgres faults
readonly -a NAMES=(a b c d e)
ready=0
for node in "${NAMES[@]}"; do
    launch_node "$node"
done
for node in "${NAMES[@]}"; do
    if wait_until_ready "$node"; then
        ready=$((ready + 1))
    fi
done
is 'PostgreSQL: of five, ready' "$ready" 5
is 'PostgreSQL: rows of migrations' "$(sql faults 'SELECT count(*) FROM __diesel_schema_migrations')" \
    "$(find migrations/postgres -mindepth 1 -maxdepth 1 -type d | wc -l)"
begin_load mixed "${NAMES[*]}" mixed --connections 10 --rate 200 --seconds 2
end_load mixed
no_failures mixed 'PostgreSQL: mixed load on all five'
for node in "${NAMES[@]}"; do
    end_node "$node" INT
done

# refused WHAT WORD…: by the binary, whose one line of error has these words in it.
refused() {
    local what=$1 status=0 word
    shift
    launch_node refused
    wait "${node_pids[refused]}" || status=$?
    unset -v 'node_pids[refused]'
    is "$what: exit status" "$status" 1
    for word in "$@"; do
        is "$what: names $word" "$(grep --count --fixed-strings -- "$word" "$folder/refused.log")" 1
    done
    rm "$folder/refused.log"
}

sql faults "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')"
refused 'PostgreSQL: a migration of the future' 29990101000000

database_url=sqlite://$folder/shared.db
pids=()
for _ in "${NAMES[@]}"; do
    DATABASE_URL=$database_url SECRET_KEY=$secret_key "$DOORWARD" migrate >>"$folder/migrate.log" 2>&1 &
    pids+=($!)
done
done=0
for pid in "${pids[@]}"; do
    if wait "$pid"; then
        done=$((done + 1))
    fi
done
is 'SQLite: of five doorward migrate, exit status 0' "$done" 5
is 'SQLite: rows of migrations' "$(sqlite3 "$folder/shared.db" 'SELECT count(*) FROM __diesel_schema_migrations')" \
    "$(find migrations/sqlite -mindepth 1 -maxdepth 1 -type d | wc -l)"
sqlite3 "$folder/shared.db" "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')"
refused 'SQLite: a migration of the future' 29990101000000 shared.db
exit "$failed"
