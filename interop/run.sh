#!/usr/bin/env bash
# Checks Doorward with real clients, out of PyPI and npm. `interop/run.sh --help` tells more.

set -euo pipefail
readonly CALLED_FROM=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly OLDEST_PYTHON=3.11 OLDEST_NODE=18.18
readonly HERE=$PWD/interop
# Ignored by git; DOORWARD_INTEROP_TOOLS may name a folder that outlives a clone.
readonly TOOLS=${DOORWARD_INTEROP_TOOLS:-$PWD/target/interop}
readonly PYTHON=$TOOLS/python/bin/python
readonly NODE=$TOOLS/node

usage() {
    cat <<'END'
Usage: interop/run.sh [--binary FILE] [WORD…]

Checks Doorward with real clients: djangorestframework-simplejwt, PyJWT, Django, standardwebhooks, newman, httpYac,
spectral, schemathesis and nginx. All but the last are installed, in the versions of requirements.txt and
package-lock.json, into target/interop, or into the folder that DOORWARD_INTEROP_TOOLS names. The servers listen on free
ports of 127.0.0.1, with their data in a temporary folder, and are ended.

  --binary FILE   the server; without it `cargo build` makes one
  WORD            only checks with one of these words in their names, such as PyJWT

Needs Python 3.11, node 18.18 or newer, and curl; apt installs what is missing, for root on Debian and its relatives.
nginx is installed likewise, and where there is none, what needs it is not checked.
The exit status is 0 when everything held, 1 when something did not, and 2 when it could not be tried.
END
}

give_up() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

binary=
declare -a words=()
while (($#)); do
    case $1 in
    -h | --help)
        usage
        exit
        ;;
    --binary)
        [[ -n ${2-} ]] || give_up '--binary needs a file'
        binary=$(cd "$CALLED_FROM" && realpath --canonicalize-missing -- "$2")
        shift
        ;;
    -*) give_up "there is no option $1; --help tells which there are" ;;
    *) words+=("$1") ;;
    esac
    shift
done

# --- What the system has to have -------------------------------------------------------------------------------------

# Whether this Python is new enough, and can make virtual environments.
good_python() {
    "$1" -c "
import sys, ensurepip, venv
sys.exit(sys.version_info < tuple(map(int, '$OLDEST_PYTHON'.split('.'))))" 2>/dev/null
}

find_python() {
    local candidate
    for candidate in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && good_python "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

good_node() {
    command -v npm >/dev/null && node -e "
const [major, minor] = process.versions.node.split('.').map(Number);
const [oldestMajor, oldestMinor] = '$OLDEST_NODE'.split('.').map(Number);
process.exit(major > oldestMajor || (major === oldestMajor && minor >= oldestMinor) ? 0 : 1)" 2>/dev/null
}

missing_packages() {
    find_python >/dev/null || printf '%s\n' python3 python3-venv
    good_node || printf '%s\n' nodejs npm
    command -v curl >/dev/null || printf '%s\n' curl
}

# Debian starts a server when it installs one, unless it is told not to.
readonly POLICY=/usr/sbin/policy-rc.d
install_with_apt() {
    local status=0 has_policy=yes
    printf 'Installing %s.\n' "$*" >&2
    if [[ ! -e $POLICY ]]; then
        has_policy=
        printf '#!/bin/sh\nexit 101\n' >"$POLICY"
        chmod 755 "$POLICY"
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install --yes --no-install-recommends "$@"; } >&2 || status=$?
    [[ -n $has_policy ]] || rm -f -- "$POLICY"
    return "$status"
}

need_system() {
    local -a missing
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    if ((EUID == 0)) && command -v apt-get >/dev/null; then
        install_with_apt "${missing[@]}" || give_up "apt could not install ${missing[*]}"
    fi
    find_python >/dev/null ||
        give_up "Python $OLDEST_PYTHON or newer with its module venv is missing (Debian: python3 and python3-venv)"
    good_node || give_up "node $OLDEST_NODE or newer with npm is missing (Debian: nodejs and npm)"
    command -v curl >/dev/null || give_up 'curl is missing (Debian: curl)'
}

# --- The clients -----------------------------------------------------------------------------------------------------

# Whether the folder was made of just these files.
made_of() {
    local folder=$1
    shift
    [[ -f $folder/made-of ]] && cmp --silent "$folder/made-of" <(cat -- "$@")
}

install_python() {
    local python
    python=$(find_python)
    ! made_of "$TOOLS/python" interop/requirements.txt || return 0
    printf 'Installing the clients out of PyPI.\n' >&2
    "$python" -m venv --clear "$TOOLS/python"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --requirement interop/requirements.txt >&2 ||
        give_up 'the clients out of PyPI could not be installed: can the package index be reached?'
    cat interop/requirements.txt >"$TOOLS/python/made-of"
}

install_node() {
    local -a files=(interop/package.json interop/package-lock.json)
    ! made_of "$NODE" "${files[@]}" || return 0
    printf 'Installing the clients out of npm.\n' >&2
    rm -rf -- "$NODE"
    mkdir -p "$NODE"
    cp -- "${files[@]}" "$NODE"
    # No script of a package is run: none of these needs one.
    npm ci --prefix "$NODE" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
        give_up 'the clients out of npm could not be installed: can the package registry be reached?'
    cat -- "${files[@]}" >"$NODE/made-of"
}

# --- The server ------------------------------------------------------------------------------------------------------

need_binary() {
    if [[ -z $binary ]]; then
        command -v cargo >/dev/null || give_up 'cargo is missing: install Rust from https://rustup.rs'
        cargo build --workspace --locked
        binary=$(realpath -- "${CARGO_TARGET_DIR:-target}/debug/doorward")
    fi
    [[ -f $binary && -x $binary ]] || give_up "$binary is not a program"
}

# What needs it is not checked where there is none.
want_nginx() {
    if ((EUID == 0)) && ! command -v nginx >/dev/null && command -v apt-get >/dev/null; then
        install_with_apt nginx-light || printf 'nginx could not be installed.\n' >&2
    fi
}

need_system
want_nginx
need_binary
install_python
install_node
cd "$HERE"
PYTHONDONTWRITEBYTECODE=1 exec "$PYTHON" check.py --binary "$binary" --programs "$NODE/node_modules/.bin" "${words[@]}"
