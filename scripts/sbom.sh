#!/usr/bin/env bash
# Writes a list of everything that is built into the program, with versions, licences and checksums: CycloneDX 1.5, as JSON,
# to the standard output or into FILE. Out of Cargo.lock and `cargo metadata` alone, so that it needs no network.
#
# Usage: scripts/sbom.sh [FILE]

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FILE=${1:-/dev/stdout}
command -v jq >/dev/null || {
    echo 'scripts/sbom.sh needs jq.' >&2
    exit 2
}

# name version checksum, of each package that has one.
checksums=$(awk -F '"' '
    /^name = / { name = $2 }
    /^version = / { version = $2 }
    /^checksum = / { print name, version, $2 }' Cargo.lock)
# What is linked into the program or builds it, and not what only tests need.
built=$(cargo tree --locked --package doorward --edges normal,build --prefix none --format '{p}' |
    awk '{ print $1, substr($2, 2) }' | sort --unique)

cargo metadata --locked --format-version 1 |
    jq --arg checksums "$checksums" --arg built "$built" '
        def table: split("\n") | map(split(" ")) | map({key: (.[0] + " " + .[1]), value: (.[2] // "")}) | from_entries;
        ($checksums | table) as $checksums | ($built | table) as $built
        | (.packages | map(select("\(.name) \(.version)" as $it | $built | has($it)))) as $packages
        | ($packages | map({key: .id, value: "pkg:cargo/\(.name)@\(.version)"}) | from_entries) as $refs
        | ($packages | map(select(.name == "doorward")) | first) as $program
        | def component($kind): {
            type: $kind, "bom-ref": $refs[.id], name, version, purl: $refs[.id],
            description: (.description // "" | gsub("\\s+"; " ")),
            licenses: (if .license then [{expression: (.license | gsub("/"; " OR "))}] else [] end),
            hashes: ($checksums["\(.name) \(.version)"] as $sum
                | if $sum then [{alg: "SHA-256", content: $sum}] else [] end),
            externalReferences: (if .repository then [{type: "vcs", url: .repository}] else [] end)
          };
        {
            bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
            metadata: {component: ($program | component("application"))},
            components: ($packages | map(select(.name != "doorward") | component("library")) | sort_by(.purl)),
            dependencies: (.resolve.nodes | map(select($refs[.id]) | {
                ref: $refs[.id], dependsOn: ([.dependencies[] | $refs[.] | select(.)] | sort | unique)
            }) | sort_by(.ref))
        }' >"$FILE"
