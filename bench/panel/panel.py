#!/usr/bin/env python3
"""Measures the admin panel's pages with few users and with many: they are to take the same time.

    python3 bench/panel/panel.py --binary target/release/doorward [--postgres postgres://postgres@127.0.0.1:5432/postgres]

Needs Python alone for SQLite, and psql for PostgreSQL, where databases of its own are made and dropped. Only a server on
loopback is asked, by one connection.
"""

import argparse
import hashlib
import html
import http.client
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

FIRST = """james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph
jessica thomas karen charles sarah anna lukas emma leon mia paul ines marco sofia pablo chloe hugo zoe omar layla yusuf
mei wei aiko hiro""".split()
LAST = """smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson
anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker
young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter
roberts""".split()
PASSWORD = "gustav-Eiffel-1889"
ROUNDS = 40
BEGAN = 1_704_067_200_000  # 2024-01-01, in milliseconds
MINUTE = 60_000
DAY = 86_400_000_000  # in microseconds


# --- People ----------------------------------------------------------------------------------------------------------


def identifier(number, kind):
    """A UUID of version 7, one a minute."""
    rest = hashlib.sha256(f"{kind} {number}".encode()).digest()
    octets = bytearray((BEGAN + number * MINUTE).to_bytes(6, "big") + rest[:10])
    octets[6] = 0x70 | octets[6] & 0x0F
    octets[8] = 0x80 | octets[8] & 0x3F
    return bytes(octets)


def username(number):
    pairs = len(FIRST) * len(LAST)
    pair = number * 7919 % pairs
    name = f"{FIRST[pair % len(FIRST)]}.{LAST[pair // len(FIRST)]}"
    return name if number < pairs else f"{name}{number // pairs}"


def users(count):
    """One in a thousand is an admin, one in a hundred is deactivated, whatever their names. Nobody has a password."""
    for number in range(count):
        name = username(number)
        lot = number * 2_654_435_761 % 2**32
        role = "admin" if lot // 100 % 1000 == 500 else "user"
        joined = (BEGAN + number * MINUTE) * 1000
        email = f"{name}@example.com"
        yield (identifier(number, "user"), name, name, email, email, None, role, lot % 100 != 7, joined, joined + DAY)


def sessions(count):
    """Each has one, of which four in five live."""
    now = time.time_ns() // 1000
    for number in range(count):
        digest = number.to_bytes(32, "big")
        made = now - number % 1000 * 60_000_000
        ended = (made, "logout") if number % 5 == 0 else (None, None)
        times = (made, made, made + 30 * DAY, made + 300_000_000)
        person = identifier(number, "user")
        where = (f"192.0.2.{number % 250}", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
        yield (identifier(number, "session"), person, 0, digest[16:], digest, None, *times, *where, *ended)


TABLES = {
    "users": (users, "id, username, username_key, email, email_key, password, role, is_active, date_joined, last_login"),
    "sessions": (
        sessions,
        "id, user_id, generation, salt, digest, previous_digest, created_at, rotated_at, expires_at, access_expires_at,"
        " ip_address, user_agent, ended_at, end_reason",
    ),
}
TIMES = ("date_joined", "last_login", "created_at", "rotated_at", "expires_at", "access_expires_at", "ended_at")


# --- Databases -------------------------------------------------------------------------------------------------------


class Sqlite:
    name = "SQLite"

    def __init__(self, folder):
        self.file = os.path.join(folder, "doorward.db")
        self.url = f"sqlite://{self.file}"

    def fill(self, count):
        with sqlite3.connect(self.file) as connection:
            connection.execute("PRAGMA cache_size = -500000")
            connection.execute("PRAGMA synchronous = OFF")
            for table, (rows, columns) in TABLES.items():
                marks = ", ".join("?" * len(columns.split(",")))
                connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows(count))
        connection.close()

    def drop(self):
        pass


class Postgres:
    name = "PostgreSQL"

    def __init__(self, url, count):
        self.admin = url
        self.database = f"doorward_panel_{os.getpid()}_{count}"
        self.url = urllib.parse.urlsplit(url)._replace(path=f"/{self.database}").geturl()
        self.psql(url, f"CREATE DATABASE {self.database}")

    @staticmethod
    def psql(url, command, **options):
        return subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", url, "-c", command], check=True, **options)

    def fill(self, count):
        for table, (rows, columns) in TABLES.items():
            names = [name.strip() for name in columns.split(",")]
            copy = ["psql", "-qX", "-v", "ON_ERROR_STOP=1", self.url, "-c", f"COPY {table} ({columns}) FROM STDIN"]
            process = subprocess.Popen(copy, stdin=subprocess.PIPE, text=True)
            for row in rows(count):
                process.stdin.write("\t".join(map(self.text, names, row)) + "\n")
            process.stdin.close()
            if process.wait():
                sys.exit("psql has failed")
        self.psql(self.url, "VACUUM ANALYZE")  # as autovacuum does within a minute

    @staticmethod
    def text(name, value):
        if value is None:
            return r"\N"
        if name in TIMES:
            return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(value // 1_000_000))}+00"
        if isinstance(value, bytes):
            return str(uuid.UUID(bytes=value)) if name in ("id", "user_id") else rf"\\x{value.hex()}"
        return str(value)

    def drop(self):
        self.psql(self.admin, f"DROP DATABASE {self.database} WITH (FORCE)")


# --- The server and its operator -------------------------------------------------------------------------------------


class Server:
    def __init__(self, binary, url, folder):
        self.environment = {
            "PATH": os.environ["PATH"],
            "BIND": "127.0.0.1:0",
            "DATABASE_URL": url,
            "BCRYPT_COST": "10",
            "SECRET_KEY": "tN5wQ0cVb8yLr2HsKd7mXe4PzAj1GfUo9iTq6RnE",
            "SHUTDOWN_DELAY": "0",
            "DOORWARD_SUPERUSER_PASSWORD": PASSWORD,
        }
        self.binary, self.folder = os.path.abspath(binary), folder

    def run(self, *arguments):
        command = [self.binary, *arguments]
        subprocess.run(command, check=True, env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL)

    def __enter__(self):
        command = [self.binary, "serve"]
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(
            command, env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        greeting = self.process.stdout.readline()
        return re.search(r"http://(127\.0\.0\.1:\d+)", greeting).group(1)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


class Browser:
    def __init__(self, address):
        self.origin = f"http://{address}"
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.cookies = {}
        form = self.ask("GET", "/admin/login")
        token = html.unescape(re.search(r'name="form_token" value="([^"]*)"', form).group(1))
        fields = {"form_token": token, "username": "operator", "password": PASSWORD}
        for _ in range(30):  # a server that has just begun sweeps, and may refuse for a while
            self.ask("POST", "/admin/login", urllib.parse.urlencode(fields), (303, 503))
            if "doorward_admin" in self.cookies:
                return
            time.sleep(1)
        sys.exit("nobody can log in")

    def ask(self, method, path, body=None, expected=(200,)):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Origin": self.origin}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status not in expected:
            sys.exit(f"{method} {path}: {answer.status}, not {expected}\n{text[:2000]}")
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return text

    def time(self, path):
        """In milliseconds: the first time, and the median of many."""
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            self.ask("GET", path)
            times.append((time.perf_counter() - began) * 1000)
        return times[0], statistics.median(times)


# --- The measurement -------------------------------------------------------------------------------------------------


def pages(count):
    shown = min(count, 500_000)  # ten thousand pages of fifty
    after = uuid.UUID(bytes=identifier(shown - 51, "user"))
    person = uuid.UUID(bytes=identifier(shown // 2, "user"))
    return {
        "overview": "/admin",
        "users: first page": "/admin/users",
        "users: page 10,000": f"/admin/users?cursor={after}",
        "users: search m": "/admin/users?search=m",
        "users: search mary.smith": "/admin/users?search=mary.smith",
        "users: search one": f"/admin/users?search={username(shown // 2)}",
        "users: search nobody": "/admin/users?search=nobody",
        "users: role admin": "/admin/users?role=admin",
        "users: role owner": "/admin/users?role=owner",
        "users: deactivated": "/admin/users?state=inactive",
        "users: active": "/admin/users?state=active",
        "users: deactivated admins": "/admin/users?state=inactive&role=admin",
        "users: deactivated users": "/admin/users?state=inactive&role=user",
        "users: search m, owners": "/admin/users?search=m&role=owner",
        "users: search mary, deactivated": "/admin/users?search=mary&state=inactive",
        "one user": f"/admin/users/{person}",
        "audit log": "/admin/audit",
    }


def measure(binary, database, count):
    with tempfile.TemporaryDirectory() as folder:
        database = database(folder, count)
        try:
            server = Server(binary, database.url, folder)
            server.run("migrate")
            began = time.monotonic()
            database.fill(count)
            print(f"{database.name}: {count} users and sessions in {time.monotonic() - began:.1f} s", file=sys.stderr)
            server.run("createsuperuser", "--username", "operator", "--email", "operator@example.com")
            with server as address:
                browser = Browser(address)
                return {name: browser.time(path) for name, path in pages(count).items()}
        finally:
            database.drop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default="target/release/doorward", help="default: %(default)s")
    parser.add_argument("--postgres", metavar="URL", help="of a superuser; without it SQLite alone is measured")
    parser.add_argument("--users", type=int, nargs=2, default=[1_000, 1_000_000], help="default: 1000 1000000")
    arguments = parser.parse_args()
    databases = {"SQLite": lambda folder, _: Sqlite(folder)}
    if arguments.postgres:
        databases["PostgreSQL"] = lambda _, count: Postgres(arguments.postgres, count)
    few, many = arguments.users
    slow = []
    for name, database in databases.items():
        with_few, with_many = (measure(arguments.binary, database, count) for count in (few, many))
        print(f"\n{name}, medians of {ROUNDS} in ms\n{'':34}{few:>12,}{many:>12,}   ratio   first")
        for page, (_, before) in with_few.items():
            first, after = with_many[page]
            print(f"{page:34}{before:12.2f}{after:12.2f}{after / before:8.2f}{first:8.1f}")
            if after > 2 * before:
                slow.append(f"{name}, {page}")
    if slow:
        sys.exit("more than twice the time: " + "; ".join(slow))


if __name__ == "__main__":
    main()
