#!/usr/bin/env bash
# Holds docs/security-checklist.md against the project: every line names what shows it, and what it names is there. Looks
# too for what no test can show: that no crate of ours may have `unsafe`.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TABLE=docs/security-checklist.md
failed=0

complain() {
    printf 'security: %s\n' "$*" >&2
    failed=1
}

# Every test there is, as crate::modules::name: a function under #[test], or a part of the contract of storage. The modules
# are those of the files; what is called `tests` is left out.
tests() {
    local file path
    while read -r file; do
        path=${file#crates/}
        path=${path%.rs}
        path=${path/\/src\//\/}
        # A folder of tests is a program of its own, and is called so.
        [[ $path != */tests/* || $file == */src/* ]] || path=${path#*/tests/}
        path=${path%/main} path=${path%/lib} path=${path%/tests}
        path=${path//\/tests\//\/}
        awk -v path="${path//\//::}" -v all="$([[ $file == crates/storage/src/testing/* ]] && echo 1)" '
            # A list of tests for both databases.
            /^on_both_databases!/ { is_list = 1 }
            is_list && match($0, /^ +[a-z_0-9]+,$/) { gsub(/[ ,]/, ""); print path "::" $0; next }
            /^}/ { is_list = 0 }
            /#\[(tokio::|actix_web::)?test/ { is_test = 1 }
            match($0, /fn [a-z_0-9]+/) {
                if (is_test || all) print path "::" substr($0, RSTART + 3, RLENGTH - 3)
                is_test = 0
            }' "$file"
    done < <(git ls-files --cached --others --exclude-standard 'crates/*.rs') | sort --unique
}

known=$(tests)
lines=0
while IFS='|' read -r _ promise shown asked _; do
    lines=$((lines + 1))
    [[ -n ${asked// /} ]] || complain "nothing asks for: $promise"
    # shellcheck disable=SC2016
    mapfile -t names < <(grep --only-matching '`[^`]*`' <<<"$shown" | tr -d '`')
    ((${#names[@]})) || complain "nothing shows: $promise"
    for name in "${names[@]}"; do
        case $name in
        'faults '*) [[ -f faults/${name#faults }.sh ]] || complain "there is no such scenario: $name" ;;
        *::*) grep --quiet --line-regexp --fixed-strings -- "$name" <<<"$known" || complain "there is no such test: $name" ;;
        *) [[ -f $name ]] || complain "there is no such file: $name" ;;
        esac
    done
done < <(grep '^| [^|]' "$TABLE" | grep --invert-match '^| promise ')
((lines >= 70)) || complain "$TABLE has but $lines lines"

grep --quiet '^unsafe_code = "forbid"' Cargo.toml || complain 'Cargo.toml does not forbid unsafe code'
while read -r manifest; do
    grep --after-context=1 '^\[lints\]' "$manifest" | grep --quiet '^workspace = true' ||
        complain "$manifest has not the lints of the workspace, which forbid unsafe code"
done < <(git ls-files '*/Cargo.toml')

((failed)) || printf 'All %d lines of %s are shown by something.\n' "$lines" "$TABLE"
exit "$failed"
