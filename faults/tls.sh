#!/usr/bin/env bash
# What OpenSSL's client is let do, and what a new pair of certificate and key does to those who are connected.

# shellcheck source=faults/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_commands openssl
scheme=https

# pair NAME OPTIONS…: NAME.crt and NAME.key.
pair() {
    local name=$1
    shift
    openssl req -x509 -nodes -days 2 -subj "/CN=$name" -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -keyout "$folder/$name.key" -out "$folder/$name.crt" "$@" 2>/dev/null
    chmod 600 "$folder/$name.key"
}

# As tools do: each file appears whole, one after the other.
lay() {
    local kind
    for kind in crt key; do
        cp -p "$folder/$1.$kind" "$folder/new.$kind"
        mv "$folder/new.$kind" "$folder/used.$kind"
    done
}

client() { openssl s_client -connect "$(target a)" -servername localhost "$@" </dev/null 2>&1; }
# Whether the handshake comes to its end.
accepts() { if client "$@" | grep -q -E '^ *(Cipher *: *|New, .*Cipher is )[A-Z0-9]'; then echo accepted; else echo refused; fi; }
shown() { client | openssl x509 -noout -subject 2>/dev/null | sed 's/.*CN *= *//'; }
# shellcheck disable=SC2317 # called by seconds_until
shows() { [[ $(shown) == "$1" ]]; }

pair rsa -newkey rsa:2048
pair ec -newkey ec -pkeyopt ec_paramgen_curve:prime256v1
lay rsa
start_node a TLS_CERT="$folder/used.crt" TLS_KEY="$folder/used.key"

# Old ones only where the client itself would take them, hence the level.
for protocol in tls1 tls1_1; do
    is "-$protocol" "$(accepts "-$protocol" -cipher ALL:@SECLEVEL=0)" refused
done
for protocol in tls1_2 tls1_3; do
    is "-$protocol" "$(accepts "-$protocol")" accepted
done

# try_ciphers: those of TLS 1.2 that are accepted, of all that the client knows.
try_ciphers() {
    local cipher
    for cipher in $(openssl ciphers 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' | tr ':' ' '); do
        [[ $cipher != TLS_* ]] || continue
        [[ $(accepts -tls1_2 -cipher "$cipher:@SECLEVEL=0") != accepted ]] || echo "$cipher"
    done
}
strong='^ECDHE-(RSA|ECDSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)$'
accepted=$(try_ciphers)
is 'ciphers without forward secrecy or AEAD that are accepted' "$(grep -c -v -E "$strong" <<<"$accepted" || true)" 0
at_least 'ciphers that are accepted in TLS 1.2 with RSA' "$(grep -c -E "$strong" <<<"$accepted" || true)" 3

alpn() { client -alpn "$1" | sed -n 's/^ALPN protocol: //p'; }
is 'ALPN: h2,http/1.1' "$(alpn h2,http/1.1)" h2
is 'ALPN: http/1.1' "$(alpn http/1.1)" http/1.1
is 'curl: version of HTTP, status' \
    "$(curl --silent --insecure --output /dev/null --write-out '%{http_version} %{http_code}' "https://$(target a)/api/v1/health")" '2 200'
is 'HSTS' "$(curl --silent --insecure --head "https://$(target a)/livez" | tr -d '\r' | sed -n 's/^strict-transport-security: //p')" max-age=31536000

# Two hundred who are connected, and some who come all the time, while the pair is exchanged.
"$LOAD" slow --target "$(target a)" --pid "${node_pids[a]}" --tls --slow 0 --idle 200 --seconds 12 --json \
    --started "$folder/kept.started" >"$folder/kept.json" &
others=($!)
until [[ -e $folder/kept.started ]] || ! is_alive "${others[0]}"; do sleep 0.05; done
come() {
    local good=0 bad=0
    while [[ ! -e $folder/enough ]]; do
        if [[ $(status_of a /livez) == 200 ]]; then good=$((good + 1)); else bad=$((bad + 1)); fi
    done
    echo "$good $bad" >"$folder/come.$1"
}
for number in 1 2 3; do
    come "$number" &
    others+=($!)
done
# One who asks before and after on the same connection.
mkfifo "$folder/questions"
openssl s_client -quiet -connect "$(target a)" <"$folder/questions" >"$folder/answers.log" 2>/dev/null &
others+=($!)
exec 7>"$folder/questions"
question='GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'
printf "%b" "$question" >&7
is 'shown before' "$(shown)" rsa
lay ec
seconds=$(seconds_until shows ec)
is 'shown after' "$(shown)" ec
at_most 'until the new pair is shown' "$seconds" 5 s
printf "%b" "$question" >&7
sleep 0.5
is 'answers on the connection of before' "$(grep -c ' 200 OK' "$folder/answers.log" || true)" 2
exec 7>&-

cp "$folder/rsa.crt" "$folder/used.crt"
sleep 4
is 'shown when only one file was exchanged' "$(shown)" ec
is 'lines in the log about it' "$(grep -c 'the TLS certificate has changed and cannot be used' "$folder/a.log" || true)" 1
lay rsa
at_most 'until it is whole again' "$(seconds_until shows rsa)" 5 s
touch "$folder/enough"
wait "${others[@]:1:3}" || true
wait "${others[0]}" || true
others=("${others[4]}")
is 'connections of before that were closed' "$(figure kept .closed)" 0
is 'new connections that failed meanwhile' "$(awk '{ bad += $2 } END { print bad + 0 }' "$folder"/come.*)" 0
note 'new connections that succeeded meanwhile' "$(awk '{ good += $1 } END { print good }' "$folder"/come.*)"

end_node a TERM
is 'exit status at the end' "$ended_with" 0
exit "$failed"
