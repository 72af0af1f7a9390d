"""Passwords and people between Django and Doorward."""

import sqlite3
import sys
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, identify_hasher
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from checks import ROOT, Bench
from server import PASSWORD, SECRET_KEY, Doorward

PROJECT = ROOT / "interop" / "django_project"
FORMATS = ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt")


def stored(bench: Bench) -> None:
    """Django's check_password accepts what Doorward stores."""
    # Longer than the 72 bytes at which plain bcrypt cuts, and not ASCII alone.
    long = "Zaunkönig " * 9
    for username, password in (("hashed", PASSWORD), ("hashed_long", long)):
        body = {"username": username, "email": f"{username}@example.com", "password": password}
        bench.server.ask("POST", "/api/v1/user/create", 201, body)
        hashed = bench.server.stored_password(username)
        assert identify_hasher(hashed).algorithm == "bcrypt_sha256", hashed
        assert check_password(password, hashed), "Django refuses the password"
        assert not check_password(password[:-1], hashed), "Django accepts another password"


class Project:
    """A Django project with people in it. There is one for each model."""

    def __init__(self, bench: Bench, model: str):
        self.bench = bench
        self.model = model
        self.folder = bench.folder / f"django-{model}"
        self.database = self.folder / "db.sqlite3"
        if not self.folder.exists():
            self.folder.mkdir()
            self.call("manage.py", "migrate", "--run-syncdb", "--verbosity", "0")
            self.call("make_people.py")

    def call(self, script: str, *arguments: "str | Path") -> str:
        """Runs one of the project's scripts."""
        return self.bench.call(
            sys.executable,
            PROJECT / script,
            *arguments,
            cwd=PROJECT,
            SECRET_KEY=SECRET_KEY,
            DJANGO_DATABASE=str(self.database),
            DJANGO_USER_MODEL=self.model,
            DJANGO_SETTINGS_MODULE="settings",
            DJANGO_PASSWORD=PASSWORD,
        )

    def dump(self) -> Path:
        """What dumpdata writes."""
        path = self.folder / "dump.json"
        self.call("manage.py", "dumpdata", self.model.lower(), "--output", path)
        return path

    def stored(self, column: str, username: str) -> "str | int":
        """What Django has stored of somebody."""
        table = self.model.lower().replace(".", "_")
        with sqlite3.connect(self.database) as database:
            return database.execute(f"SELECT {column} FROM {table} WHERE username = ?", (username,)).fetchone()[0]


def moved_in(model: str, source: str) -> "callable":
    """Whoever a Django project has moves in, logs in with the old password, and is given a hash of Doorward's."""

    def check(bench: Bench) -> None:
        project = Project(bench, model)
        file = project.dump() if source == "dumpdata" else project.database
        server = Doorward(bench.binary, bench.folder / f"moved-{model}-{source}")
        server.run("import-django", file, "--dry-run")
        assert not (server.folder / "data" / "doorward.db").exists(), "the dry run has made a database"
        server.run("import-django", file)
        for name in FORMATS:
            assert server.stored_password(name) == project.stored("password", name), f"{name} is not stored as it was"
        with server:
            for name in FORMATS:
                server.log_in(name, "not the password", 401)
                server.log_in(name)
                hashed = server.stored_password(name)
                assert hashed.startswith("bcrypt_sha256$$2b$10$"), f"{name} was not replaced: {hashed}"
                assert check_password(PASSWORD, hashed), f"Django refuses what replaced {name}"
                server.log_in(name)
            roles = {"superuser": "owner", "staff": "admin", "argon2": "user", "same_email": "user"}
            if model == "people.User":
                # Its own role counts, and not is_staff.
                roles.update(staff="user", by_role="admin")
            for name, role in roles.items():
                user = server.log_in(name)["user"]
                assert user["role"] == role, f"{name} is {user['role']} instead of {role}"
            server.log_in("inactive", status=401)
            server.log_in("unusable", status=401)
            # Again, while the server runs: nobody is doubled or overwritten.
            before = server.stored_password("bcrypt")
            server.run("import-django", file)
            assert server.stored_password("bcrypt") == before, "the second import has overwritten somebody"

    check.__doc__ = moved_in.__doc__
    return check


def foreign(bench: Bench) -> None:
    """Access tokens of simplejwt count for those who moved in while JWT_ACCEPT_FOREIGN says so, until they log out."""
    project = Project(bench, "auth.User")
    folder = bench.folder / "foreign"
    # What simplejwt makes at a login in Django.
    twin = get_user_model()(pk=project.stored("id", "argon2"))
    nobody = get_user_model()(pk=9999)
    refresh = RefreshToken()
    refresh["user_id"] = str(twin.pk)
    access = str(AccessToken.for_user(twin))
    me = "/api/v1/user/me"

    server = Doorward(bench.binary, folder)
    server.run("import-django", project.database)
    with server:
        server.ask("GET", me, 401, bearer=access)
    with Doorward(bench.binary, folder, JWT_ACCEPT_FOREIGN="true") as server:
        assert server.ask("GET", me, 200, bearer=access)["username"] == "argon2"
        server.ask("GET", me, 401, bearer=str(refresh))
        server.ask("GET", me, 401, bearer=str(AccessToken.for_user(nobody)))
        server.ask("GET", me, 401, bearer=access[:-4] + "AAAA")
        server.ask("POST", "/api/v1/user/logout-all", 200, bearer=access)
        server.ask("GET", me, 401, bearer=access)
