#!/usr/bin/env python3
"""Runs the checks against a server of its own and prints a table. run.sh calls it with everything that it needs."""

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from server import SECRET_KEY, Doorward


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help="the server")
    parser.add_argument("--programs", type=Path, required=True, help="the folder of the programs out of npm")
    parser.add_argument("words", nargs="*", help="only checks with one of these words in their names")
    return parser.parse_args()


def set_up_django(folder: Path) -> None:
    """Lets this process use Django's and simplejwt's own classes, with the key of the servers."""
    import django

    sys.path.append(str(Path(__file__).parent / "django_project"))
    os.environ.update(DJANGO_SETTINGS_MODULE="settings", SECRET_KEY=SECRET_KEY)
    os.environ.update(DJANGO_DATABASE=str(folder / "django.sqlite3"))
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def all_checks() -> "dict[str, callable]":
    """Every check by its name, in the order of their run."""
    from checks import files, people, proxy, schema, tokens, webhooks

    return {
        "client files: written by client_files.py": files.fresh,
        "client files: every route, nothing else": files.complete,
        "smoke.sh": files.smoke,
        "newman: Postman collection": files.newman,
        "httpyac: HTTP-client file": files.httpyac,
        "simplejwt: its classes verify our tokens": tokens.simplejwt_classes,
        "simplejwt: our routes answer as its views": tokens.simplejwt_views,
        "PyJWT: HS256": tokens.pyjwt_shared_key,
        "PyJWT: EdDSA by JWKS, rotation": tokens.pyjwt_key_pair("EdDSA"),
        "PyJWT: ES256 by JWKS, rotation": tokens.pyjwt_key_pair("ES256"),
        "PyJWT: RS256 by JWKS, rotation": tokens.pyjwt_key_pair("RS256"),
        "standardwebhooks: verifies our deliveries": webhooks.verified,
        "nginx: auth_request, as the README has it": proxy.forward,
        "Django: check_password takes our hashes": people.stored,
        "Django: dumpdata of auth.user moves in": people.moved_in("auth.User", "dumpdata"),
        "Django: SQLite file of auth.user moves in": people.moved_in("auth.User", "SQLite"),
        "Django: dumpdata of a model with roles": people.moved_in("people.User", "dumpdata"),
        "Django: SQLite file of a model with roles": people.moved_in("people.User", "SQLite"),
        "simplejwt: its tokens while people move over": people.foreign,
        "spectral: OpenAPI document": files.linted,
        "schemathesis: OpenAPI document": schema.conforms,
    }


def run(bench: "object", checks: "dict[str, callable]") -> bool:
    """Runs the checks, prints the table, and says whether all held that could be tried."""
    from checks import NotChecked

    table = []
    for name, check in checks.items():
        print(f"== {name}", flush=True)
        started, result = time.monotonic(), "ok"
        try:
            check(bench)
        except NotChecked as why:
            print(why)
            result = "not checked"
        except Exception:  # whatever it is, the others are to run
            traceback.print_exc(file=sys.stdout)
            result = "FAILED"
        table.append((name, result, time.monotonic() - started))
    print(f"\n{'check':<46}  {'result':<11}  seconds")
    for name, result, seconds in table:
        print(f"{name:<46}  {result:<11}  {seconds:7.1f}")
    return all(result != "FAILED" for _, result, _ in table)


def main() -> int:
    """Gives the exit status."""
    # So that `with` ends the servers.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    told = arguments()
    with tempfile.TemporaryDirectory(prefix="doorward-interop.") as name:
        folder = Path(name)
        set_up_django(folder)
        from checks import Bench

        checks = all_checks()
        if told.words:
            checks = {name: check for name, check in checks.items() if any(word in name for word in told.words)}
        if not checks:
            print(f"no check has one of these words in its name: {' '.join(told.words)}")
            return 2
        server = Doorward(told.binary, folder / "server")
        server.make_owner()
        with server:
            bench = Bench(told.binary, folder, told.programs, server)
            return 0 if run(bench, checks) else 1


if __name__ == "__main__":
    sys.exit(main())
