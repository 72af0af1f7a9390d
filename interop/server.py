"""The server under test: started in a folder of its own, asked, and ended."""

import os
import sqlite3
import subprocess
import time
from pathlib import Path

import requests

START_SECONDS = 60
END_SECONDS = 20
# Of no use anywhere else: the servers of a run are reachable from this machine alone, and gone after it.
SECRET_KEY = "V8Qe3rT1mZx7Lk5Wc9Yb2Nd4Hf6Jg0PsUaRiOtEy"
PASSWORD = "Kestrel over 9 hills"
OWNER = "olga"


class Doorward:
    """A server on a free port of 127.0.0.1, with its data in `folder`. The database is there from the first command."""

    def __init__(self, binary: Path, folder: Path, **variables: str):
        self.binary = binary
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        # Nothing of the shell's, which may name a database.
        self.environment = {
            "PATH": os.environ["PATH"],
            "BIND": "127.0.0.1:0",
            "SECRET_KEY": SECRET_KEY,
            "SHUTDOWN_DELAY": "0",
            "BCRYPT_COST": "10",
            # Everybody here comes from one address, and far more often than people do.
            "LOGIN_RATE_LIMIT": "off",
            "REGISTER_RATE_LIMIT": "off",
            **variables,
        }
        self.process = None
        self.url = ""

    def run(self, *arguments: "str | Path", status: int = 0, **variables: str) -> str:
        """Runs a command to its end, which has to have that exit status. Gives what it printed."""
        done = subprocess.run(
            [self.binary, *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = f"doorward {' '.join(map(str, arguments))}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == status, said
        return done.stdout

    def make_owner(self) -> None:
        """Makes the owner, whose password is PASSWORD."""
        name = ("--username", OWNER, "--email", f"{OWNER}@example.com")
        self.run("createsuperuser", *name, DOORWARD_SUPERUSER_PASSWORD=PASSWORD)

    def __enter__(self) -> "Doorward":
        log = self.folder / "log"
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [self.binary], cwd=self.folder, env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.url:
            assert self.process.poll() is None and time.monotonic() < deadline, f"no start:\n{log.read_text()}"
            lines = [line for line in log.read_text().splitlines() if " listens on http" in line]
            if lines:
                self.url = lines[0].split(" listens on ")[1].strip()
            else:
                time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.url = ""
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    # --- Requests ----------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, status: int, body: "dict | None" = None, bearer: str = "") -> dict:
        """Sends a request, whose answer has to have that status, and gives its JSON."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=30)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def register(self, username: str) -> dict:
        """Makes an account, whose password is PASSWORD."""
        body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        return self.ask("POST", "/api/v1/user/create", 201, body)

    def log_in(self, username: str, password: str = PASSWORD, status: int = 200) -> dict:
        """Logs somebody in."""
        return self.ask("POST", "/api/v1/user/login", status, {"username": username, "password": password})

    def stored_password(self, username: str) -> "str | None":
        """What the database has of somebody's password."""
        path = self.folder / "data" / "doorward.db"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            row = database.execute("SELECT password FROM users WHERE username = ?", (username,)).fetchone()
        assert row, f"{username} is not there"
        return row[0]
