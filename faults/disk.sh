#!/usr/bin/env bash
# The disk with the SQLite file is full: honest refusals, nothing damaged, and it goes on when there is room.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands sqlite3
if ((EUID != 0)); then
    give_up "needs root, who alone may mount a small tmpfs: sudo faults/run.sh disk"
fi

mkdir "$folder/disk"
mount -t tmpfs -o size=16m,mode=700 doorward-faults "$folder/disk" || give_up "needs to mount a tmpfs (CAP_SYS_ADMIN)"
mounts+=("$folder/disk")
database_url=sqlite://$folder/disk/doorward.db
start_node a
begin_load me a me --connections 4 --rate 200 --seconds 14
begin_load refresh a refresh --connections 8 --rate 400 --seconds 12
begin_load register a register --connections 2 --seconds 12 --accounts "$folder/accounts"
sleep 1
# Goes on until there is no room, and so always fails.
head -c 16M /dev/zero >"$folder/disk/filler" 2>/dev/null || true
sleep 5
at_most 'full: KiB left' "$(df --output=avail "$folder/disk" | tail -n 1)" 4 KiB
is 'full: livez' "$(status_of a /livez)" 200
note 'full: readyz, health' "$(status_of a /readyz), $(status_of a /api/v1/health)"
rm "$folder/disk/filler"
back=$EPOCHREALTIME
end_load me refresh register
no_failures me 'me'
at_least 'writes refused with 503 (refresh and register)' \
    "$(($(figure refresh .unavailable.count) + $(figure register .unavailable.count)))" 1
only_refusals refresh refresh
only_refusals register register
at_most 'register: works again when there is room, at the latest after' \
    "$(sum "$(figure register '.started_at + .longest_gap.to_ms / 1000') - $back")" 5 s
is 'integrity check' "$(sqlite3 "$folder/disk/doorward.db" 'PRAGMA integrity_check')" ok
"$LOAD" verify --target "$(target a)" "$folder/accounts" --json >"$folder/verify.json" || true
is 'acknowledged registrations that log in' "$(figure verify .logged_in)" "$(wc -l <"$folder/accounts")"
end_node a INT
exit "$failed"
