#!/usr/bin/env bash
# Damaged and foreign database files: refused by name, untouched, and no fresh one in their place.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands sqlite3 sha256sum

start_node good
begin_load register good register --connections 2 --count 20
end_load register
end_node good INT
readonly GOOD=$folder/good/data/doorward.db

# refuses NAME: serve, on the file that was made.
refuses() {
    local name=$1 file=$folder/$1.db before after status=0
    before=$(sha256sum <"$file")
    database_url=sqlite://$file
    launch_node "$name"
    wait "${node_pids[$name]}" || status=$?
    unset -v "node_pids[$name]"
    after=$(sha256sum <"$file")
    is "$name: exit status" "$status" 1
    is "$name: lines that name the file" "$(grep --count --fixed-strings -- "$file" "$folder/$name.log" || true)" 1
    is "$name: untouched" "$([[ $before == "$after" ]] && echo yes || echo no)" yes
    is "$name: files beside it" "$(find "$folder" -maxdepth 1 -name "$name.db?*" | wc -l)" 0
}

head -c 20000 /dev/urandom >"$folder/noise.db"
refuses noise
printf 'It was the best of times, it was the worst of times.\n' >"$folder/text.db"
refuses text
sqlite3 "$folder/foreign.db" 'CREATE TABLE notes (text); INSERT INTO notes VALUES (1)'
refuses foreign
head -c "$(($(stat --format=%s "$GOOD") / 2))" "$GOOD" >"$folder/truncated.db"
refuses truncated
cp "$GOOD" "$folder/overwritten.db"
dd if=/dev/urandom of="$folder/overwritten.db" bs=4096 seek=1 count=3 conv=notrunc status=none
refuses overwritten
exit "$failed"
