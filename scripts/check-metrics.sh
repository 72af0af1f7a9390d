#!/usr/bin/env bash
# Holds /metrics, the alert rules and the dashboard against each other, with Prometheus's own promtool.
#
#   scripts/check-metrics.sh PATH/TO/doorward
#
# Needs Debian's prometheus package (promtool), curl and python3. REDIS_URL, where it is set, is used.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binary=$(realpath "${1:-target/release/doorward}")
folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

(cd "$folder" && exec env BIND=127.0.0.1:0 SHUTDOWN_DELAY=0 "$binary" serve) >"$folder/out" 2>"$folder/log" &
server=$!
home=
for _ in $(seq 100); do
    home=$(sed -n 's/^Doorward .* listens on //p' "$folder/out")
    [[ -z $home ]] || break
    sleep 0.1
done
[[ -n $home ]] || { cat "$folder/log" >&2; exit 1; }

curl --silent --fail --noproxy '*' --output /dev/null "$home/api/v1/users"
curl --silent --fail --noproxy '*' "$home/metrics" >"$folder/metrics"
promtool check metrics <"$folder/metrics"
promtool check rules docs/observability/alerts.yml

python3 - "$folder/metrics" docs/observability/dashboard.json docs/observability/alerts.yml <<'PYTHON'
import json, re, sys

page, dashboard, rules = (open(path).read() for path in sys.argv[1:])
known = set(re.findall(r"^# TYPE (\S+)", page, re.M))
known |= {name + suffix for name in known for suffix in ("_bucket", "_sum", "_count")}
# There where a Redis is configured.
known |= {"doorward_redis_up"}
expressions = [target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel["targets"]]
expressions += re.findall(r"^ *expr: (.*)$", rules, re.M)
used = {name for text in expressions for name in re.findall(r"\b(?:doorward|process)_\w+", text)}
if unknown := sorted(used - known):
    sys.exit(f"not in /metrics: {', '.join(unknown)}")
print(f"{len(used)} names of the dashboard and the rules are in /metrics")
PYTHON
