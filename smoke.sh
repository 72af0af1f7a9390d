#!/bin/sh
# Walks the main flows against a running Doorward and says line by line what held. Needs curl and POSIX tools.
# Much here is called by `trap`:
# shellcheck disable=SC2317,SC2329

set -u
umask 077

readonly PARALLEL=5 NUMBERS='1 2 3 4 5'

usage() {
    cat <<'END'
Usage: ./smoke.sh [--insecure] URL

Walks the main flows against the Doorward at URL, such as http://127.0.0.1:8000 or https://accounts.example.com, and
says line by line what held. It registers an account of its own with a random name, and deletes it at the end.

  --insecure    takes any certificate, a self-signed one too

The exit status is 0 when everything held, 1 when something did not, and 2 when it could not be tried.
END
}

give_up() {
    printf 'smoke.sh: %s\n' "$*" >&2
    exit 2
}

# --- Arguments -------------------------------------------------------------------------------------------------------

url=
insecure=
for argument; do
    case $argument in
    -h | --help)
        usage
        exit 0
        ;;
    -k | --insecure) insecure=--insecure ;;
    -*) give_up "there is no option $argument; --help tells which there are" ;;
    *)
        [ -z "$url" ] || give_up "more than one URL: $url and $argument"
        url=$argument
        ;;
    esac
done
if [ -z "$url" ]; then
    usage >&2
    exit 2
fi
case $url in
*[[:space:]]* | *[?#@]*) give_up "$url is not the URL of a server: it has a space, a query, a fragment or a user" ;;
http://?* | https://?*) ;;
*://*) give_up "$url is not the URL of a server: it begins with http:// or https://" ;;
*) give_up "$url is not the URL of a server: did you mean http://$url?" ;;
esac
url=${url%"${url##*[!/]}"}
case $url in
*/api | */api/v1) give_up "leave the path away: ${url%%/api*}" ;;
http: | https:) give_up "$url is not the URL of a server: it has no host" ;;
esac
command -v curl >/dev/null || give_up 'curl is missing: install it'

# --- One request -----------------------------------------------------------------------------------------------------

folder=$(mktemp -d "${TMPDIR:-/tmp}/doorward-smoke.XXXXXX") || give_up 'no temporary folder could be made'
readonly folder
bearer=
key=
status=

# ask METHOD PATH [BODY]: sets status, and writes the answer to $folder/answer. Sends the access token in $bearer, or
# the API key in $key.
# Tokens and passwords go through files, since other users of the machine can see arguments.
ask() {
    send answer "$@"
    status=$(cat "$folder/answer.status")
}

# send NAME METHOD PATH [BODY]: as ask, into files of that name, so that several can be under way at once.
send() {
    {
        printf 'url = "%s%s"\nrequest = "%s"\n' "$url" "$3" "$2"
        [ -z "$bearer" ] || printf 'header = "Authorization: Bearer %s"\n' "$bearer"
        [ -z "$key" ] || printf 'header = "X-API-Key: %s"\n' "$key"
        if [ $# -gt 3 ]; then
            printf '%s' "$4" >"$folder/$1.request"
            printf 'header = "Content-Type: application/json"\ndata-binary = "@%s/%s.request"\n' "$folder" "$1"
        fi
    } >"$folder/$1.curl"
    : >"$folder/$1"
    # shellcheck disable=SC2086 # either empty or one word
    curl --silent --show-error $insecure --connect-timeout 5 --max-time 30 --globoff \
        --output "$folder/$1" --write-out '%{http_code}' --config "$folder/$1.curl" \
        >"$folder/$1.status" 2>"$folder/$1.error"
    printf '%s\n' "$?" >"$folder/$1.exit"
}

# field NAME [FILE]: the string of that name in an answer.
field() {
    { tr -d '\n' <"$folder/${2-answer}" && echo; } |
        sed -n 's/^.*[{,][[:space:]]*"'"$1"'"[[:space:]]*:[[:space:]]*"\([^"]*\)".*$/\1/p'
}

# --- What held -------------------------------------------------------------------------------------------------------

held=0
failed=0
skipped=0

line() { printf '%-8s  %s\n' "$1" "$2"; }

ok() {
    held=$((held + 1))
    line held "$1"
}

not_ok() {
    failed=$((failed + 1))
    line 'NOT HELD' "$1"
}

skip() {
    skipped=$((skipped + 1))
    line skipped "$1"
}

# expect WHAT STATUS [TEXT]: of the last answer, in which the text must be.
expect() {
    if [ "$status" = 000 ]; then
        not_ok "$1: no answer; $(cat "$folder/answer.error")"
    elif [ "$status" != "$2" ]; then
        not_ok "$1: $status instead of $2; $(shown)"
    elif [ $# -gt 2 ] && ! grep -qF -- "$3" "$folder/answer"; then
        not_ok "$1: the answer has no $3; $(shown)"
    else
        ok "$1"
        return
    fi
    return 1
}

# The beginning of an answer that was not expected, without JWTs and keys.
shown() {
    tr -d '\r\n' <"$folder/answer" | sed 's/eyJ[A-Za-z0-9_.-]*/…/g; s/dwk_[A-Za-z0-9]*/…/g' |
        cut -c 1-300
}

# is WHAT ONE OTHER
is() {
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        not_ok "$1"
    fi
}

# --- The account, which is gone at the end ---------------------------------------------------------------------------

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

username=smoke-$(random 5)
password="$(random 8)-Kestrel-$(random 4)"
email=$username@example.com
registered=

login_body() { printf '{"username":"%s","password":"%s"}' "$username" "$password"; }

# Logs in, and sets access and refresh.
login() {
    bearer=
    ask POST /api/v1/user/login "$(login_body)"
    access=$(field access_token)
    refresh=$(field refresh_token)
}

delete_account() {
    key=
    login
    bearer=$access
    ask DELETE /api/v1/user/me "$(printf '{"current_password":"%s"}' "$password")"
    bearer=
    [ "$status" != 204 ] || registered=
}

clean_up() {
    trap '' INT TERM HUP
    if [ -n "$registered" ]; then
        delete_account
        [ -z "$registered" ] || printf 'smoke.sh: the account %s is left\n' "$username" >&2
    fi
    rm -rf -- "$folder"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- The server ------------------------------------------------------------------------------------------------------

reach() {
    ask GET /api/v1/health
    case $(cat "$folder/answer.exit") in
    0) ;;
    3) give_up "$url is not a URL: $(cat "$folder/answer.error")" ;;
    6) give_up "the host of $url is not known" ;;
    7) give_up "nothing answers at $url: is the server running, and is that its port?" ;;
    28) give_up "$url does not answer in time" ;;
    35 | 52 | 56) give_up "$url does not speak $(printf '%s' "$url" | cut -d : -f 1): $(cat "$folder/answer.error")" ;;
    51 | 60) give_up "the certificate of $url is not trusted; if it is your own self-signed one, say --insecure" ;;
    *) give_up "$url cannot be asked: $(cat "$folder/answer.error")" ;;
    esac
    case $status in
    3??) give_up "$url leads somewhere else: give the URL that it leads to" ;;
    421) give_up "the server does not answer for the host in $url: name it in ALLOWED_HOSTS" ;;
    esac
    grep -q '"components"' "$folder/answer" || give_up "what answers at $url is not Doorward: $status $(shown)"
}

operations() {
    expect "health: $(field status)" 200
    ask GET /livez
    expect 'it is alive' 200
    ask GET /readyz
    expect 'it is ready' 200
    ask GET /no/such/route
    expect 'an unknown route is 404' 404
    ask GET /.well-known/jwks.json
    if_there 'the public keys are published' '"keys"'
    ask GET /api/openapi.json
    if_there 'the API describes itself' '"openapi"'
}

# For routes that came later: an older server does not have them.
if_there() {
    if [ "$status" = 404 ]; then
        skip "$1: this server does not have that route"
    else
        expect "$1" 200 "$2"
    fi
}

# --- The flows -------------------------------------------------------------------------------------------------------

register() {
    body=$(printf '{"username":"%s","email":"%s","password":"%s"}' "$username" "$email" "$password")
    ask POST /api/v1/user/create "$body"
    if [ "$status" = 403 ] && grep -q registration_closed "$folder/answer"; then
        give_up 'registration is closed on this server (REGISTRATION_OPEN): what needs an account was not tried'
    fi
    [ "$status" != 201 ] || registered=yes
    expect 'register' 201 "\"username\":\"$username\"" || give_up 'without an account there is no more to try'
    ask POST /api/v1/user/create "$body"
    expect 'the same name again is refused' 400 '"errors"'
}

sign_in() {
    ask POST /api/v1/user/login "{\"username\":\"$username\",\"password\":\"not the password\"}"
    expect 'a wrong password is refused' 401 invalid_credentials
    login
    expect 'login' 200 '"access_token"'
    ask GET /api/v1/user/me
    expect 'without a token nobody is known' 401
    bearer=$access
    ask GET /api/v1/user/me
    expect 'me' 200 "\"email\":\"$email\""
    ask GET /api/v1/user/sessions
    expect 'the session is listed' 200 '"current":true'
    bearer=
}

# refresh_with TOKEN
refresh_with() { ask POST /api/v1/user/refresh "{\"refresh_token\":\"$1\"}"; }

rotate() {
    first=$refresh
    refresh_with "$first"
    expect 'refresh' 200 '"refresh_token"'
    refresh=$(field refresh_token)
    bearer=$(field access_token)
    ask GET /api/v1/user/me
    expect 'the new access token is good' 200
    bearer=

    pids=
    for number in $NUMBERS; do
        send "parallel$number" POST /api/v1/user/refresh "{\"refresh_token\":\"$refresh\"}" &
        pids="$pids $!"
    done
    for pid in $pids; do
        wait "$pid"
    done
    successors=$(for number in $NUMBERS; do
        [ "$(cat "$folder/parallel$number.status")" != 200 ] || field refresh_token "parallel$number"
    done)
    answered=$(printf '%s\n' "$successors" | grep -c .)
    distinct=$(printf '%s\n' "$successors" | sort -u | grep -c .)
    if [ "$answered" = "$PARALLEL" ]; then
        is "$PARALLEL refreshes at once get the same successor" "$distinct" 1
    else
        # With REFRESH_GRACE_PERIOD 0 one of them wins, without harm to the session.
        is "of $PARALLEL refreshes at once $answered won" "$answered" 1
    fi
    refresh=$(printf '%s\n' "$successors" | head -n 1)

    refresh_with "$refresh"
    expect 'the successor is good' 200
    access=$(field access_token)
    refresh=$(field refresh_token)
    refresh_with "$first"
    expect 'a replay of the first token is refused' 401
    refresh_with "$refresh"
    expect 'and has ended the session: its last token is refused' 401
    bearer=$access
    ask GET /api/v1/user/me
    expect 'and its access token too' 401
    bearer=
}

leave() {
    bearer=$access
    ask POST /api/v1/user/logout "{\"refresh_token\":\"$refresh\"}"
    expect 'logout' 200
    ask GET /api/v1/user/me
    expect 'after it the access token is refused' 401
    bearer=
    refresh_with "$refresh"
    expect 'and the refresh token' 401
}

api_keys() {
    bearer=$access
    ask POST /api/v1/api-keys '{"name":"smoke"}'
    if [ "$status" = 404 ]; then
        skip 'API keys: this server does not have them'
        bearer=
        return
    fi
    expect 'API keys: make' 201 '"key"'
    made=$(field key)
    id=$(field id)
    bearer=
    key=$made
    ask GET /api/v1/user/me
    expect 'API keys: a key is let in' 200 "\"username\":\"$username\""
    key=
    bearer=$access
    ask DELETE "/api/v1/api-keys/$id"
    expect 'API keys: delete' 204
    bearer=
    key=$made
    ask GET /api/v1/user/me
    expect 'API keys: after it the key is refused' 401
    key=
}

simplejwt() {
    ask POST /api/v1/auth/token "$(login_body)"
    expect 'simplejwt: token' 200 '"access"'
    access=$(field access)
    refresh=$(field refresh)
    ask POST /api/v1/auth/token/verify "{\"token\":\"$access\"}"
    expect 'simplejwt: verify' 200
    ask POST /api/v1/auth/token/refresh "{\"refresh\":\"$refresh\"}"
    expect 'simplejwt: refresh' 200 '"refresh"'
    refresh=$(field refresh)
    ask POST /api/v1/auth/token/blacklist "{\"refresh\":\"$refresh\"}"
    expect 'simplejwt: blacklist' 200
    ask POST /api/v1/auth/token/refresh "{\"refresh\":\"$refresh\"}"
    expect 'simplejwt: what is blacklisted is refused' 401 '"code":"token_not_valid"'
}

dialects() {
    ask POST /api/login/ "$(login_body)"
    expect 'ancestors: login with a username' 200 '"access"'
    bearer=$(field access)
    refresh=$(field refresh)
    ask GET /api/profile/
    expect 'ancestors: profile' 200 "\"username\":\"$username\""
    ask GET /api/users/
    expect 'ancestors: the users are for admins' 403 '"detail"'
    bearer=
    ask POST /api/token/refresh/ "{\"refresh\":\"$refresh\"}"
    expect 'ancestors: token/refresh' 200 '"refresh"'

    ask POST /api/login/ "{\"email\":\"$email\",\"password\":\"$password\"}"
    expect 'ancestors: login with an email address' 200 '"refresh_token"'
    refresh=$(field refresh_token)
    ask POST /api/refresh/ "{\"refresh_token\":\"$refresh\"}"
    expect 'ancestors: refresh' 200 '"refresh_token"'
    refresh=$(field refresh_token)
    bearer=$(field access_token)
    ask GET /api/me/
    expect 'ancestors: me' 200 "\"email\":\"$email\""
    bearer=
    ask POST /api/logout/ "{\"refresh_token\":\"$refresh\"}"
    expect 'ancestors: logout' 200 '"success"'
    ask POST /api/refresh/ "{\"refresh_token\":\"$refresh\"}"
    expect 'ancestors: after it the refresh token is refused' 400 '"Invalid refresh token"'
    ask GET /api/health/
    expect 'ancestors: health' 200
}

farewell() {
    delete_account
    expect 'the account is deleted' 204
    login
    expect 'and cannot log in any more' 401
}

reach
printf 'Doorward at %s\n' "$url"
operations
register
sign_in
rotate
login
api_keys
leave
simplejwt
dialects
farewell

printf '%s held, %s not held, %s skipped\n' "$held" "$failed" "$skipped"
[ "$failed" = 0 ]
