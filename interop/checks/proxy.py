"""nginx, as the README configures it, before a site that knows nothing of accounts."""

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from checks import ROOT, Bench, NotChecked

PATIENCE_SECONDS = 10
ME = "/api/v1/user/me"
KEYS = "/api/v1/api-keys"
PAGE = "<p>for those who are known</p>"
# Debian's are absolute, and another user's.
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
# What the site has heard of whoever asks, told in the answer.
HEARD = ("x_user_id", "x_user_role", "x_scopes", "x_api_key", "authorization")


def program() -> str:
    """Where nginx is: for plain users not on the path."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not found:
        raise NotChecked("there is no nginx (Debian: nginx-light)")
    return found


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def lines_of_readme(doorward: str, site: str) -> str:
    """The README's lines for nginx, with our addresses."""
    found = re.search(r"```nginx\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found and "auth_request /_auth;" in found[1], "the README has no lines for nginx"
    ours = found[1].replace("http://127.0.0.1:8000/", f"{doorward}/").replace("http://127.0.0.1:3000", site)
    assert ours.count(doorward) == 1 and ours.count(site) == 1, ours
    return ours


def configuration(folder: Path, doorward: str, ports: "tuple[int, int]") -> str:
    """One server with the README's lines before another one with a static page."""
    door, site = ports
    temporary = "\n".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    told = "\n".join(f"add_header Heard-{name.replace('_', '-')} $http_{name};" for name in HEARD)
    return f"""
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
access_log off;
{temporary}
server {{
listen 127.0.0.1:{door};
{lines_of_readme(doorward, f"http://127.0.0.1:{site}")}
}}
server {{
listen 127.0.0.1:{site};
root {folder}/site;
{told}
}}
}}
"""


@contextmanager
def nginx(folder: Path, doorward: str) -> "str":
    """Starts nginx before the server, gives its address, and ends it."""
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "page.html").write_text(PAGE)
    ports = free_port(), free_port()
    path = folder / "nginx.conf"
    path.write_text(configuration(folder, doorward, ports))
    log = folder / "error.log"
    process = subprocess.Popen([program(), "-p", folder, "-c", path, "-e", log])
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert process.poll() is None and time.monotonic() < deadline, f"no start:\n{log.read_text()}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", ports[0])) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{ports[0]}/page.html"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def forward(bench: Bench) -> None:
    """Who is not known, or not any more, does not get the page; whoever is gets it, and the site hears who it is from
    Doorward alone."""
    server = bench.server
    server.register("behind")
    token = server.log_in("behind")["access_token"]
    user_id = server.ask("GET", ME, 200, bearer=token)["id"]
    made = server.ask("POST", KEYS, 201, {"name": "for nginx", "scopes": ["users:read"]}, token)
    lies = {"X-User-Role": "owner", "X-User-Id": "1", "X-Scopes": "all"}
    by_token = {"Authorization": f"Bearer {token}"}
    by_key = {"X-API-Key": made["key"]}

    with nginx(bench.folder / "nginx", server.url) as page:

        def ask(status: int, **headers: str) -> requests.Response:
            """Asks nginx for the page."""
            answer = requests.get(page, headers=headers, timeout=30)
            assert answer.status_code == status, f"{answer.status_code} {answer.text}"
            assert (PAGE in answer.text) == (status == 200), answer.text
            return answer

        def is_known(scopes: str, **headers: str) -> None:
            """The page comes, and the site heard the truth and no secret."""
            heard = ask(200, **headers).headers
            told = {name: heard.get(f"Heard-{name.replace('_', '-')}") for name in HEARD}
            assert told == dict(zip(HEARD, (user_id, "user", scopes, None, None))), told

        assert "WWW-Authenticate" in ask(401).headers
        ask(401, **lies)
        ask(401, Authorization="Bearer junk")
        ask(401, **{"X-API-Key": "dwk_junk"})
        everything = "profile:read profile:write users:read tasks:read tasks:write"
        for headers in (by_token, {**by_token, **lies}):
            is_known(everything, **headers)
        for headers in (by_key, {**by_key, **lies}, {"Authorization": f"Api-Key {made['key']}"}):
            is_known("users:read", **headers)
        ask(401, **by_token, **by_key)

        server.ask("DELETE", f"{KEYS}/{made['id']}", 204, bearer=token)
        ask(401, **by_key)
        server.ask("POST", "/api/v1/user/logout-all", 200, bearer=token)
        ask(401, **by_token)
