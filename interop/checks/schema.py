"""Schemathesis against the OpenAPI document."""

import sys
from pathlib import Path

from checks import Bench
from server import OWNER, Doorward

# For each operation, beside those that follow from the document.
EXAMPLES = 30
SEED = 7
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
)
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


def conforms(bench: Bench) -> None:
    """No answer is a 5xx, and none is other than the document says: without a token, and with that of an owner.

    Routes that ask for a token let nobody in without, and other methods are 405.
    """
    server = Doorward(bench.binary, bench.folder / "schemathesis", ACCESS_TOKEN_LIFETIME="3600")
    server.make_owner()
    document = server.folder / "openapi.json"
    document.write_text(server.run("openapi"))
    with server:
        fuzz(bench, server, document)
        login = server.log_in(OWNER)
        config = server.folder / "schemathesis.toml"
        # The last owner, who can be asked for and not be deleted.
        config.write_text(f'[parameters]\n"path.id" = "{login["user"]["id"]}"\n')
        # Without the route that would end this session.
        others = ("--exclude-path", "/api/v1/user/logout-all")
        bearer = ("--header", f"Authorization: Bearer {login['access_token']}")
        fuzz(bench, server, document, *others, *bearer, before=("--config-file", config))
        server.ask("GET", "/api/v1/user/me", 200, bearer=login["access_token"])


def fuzz(bench: Bench, server: Doorward, document: Path, *arguments: str, before: tuple = ()) -> None:
    """Asks for every operation of the document, at this server alone."""
    said = bench.call(
        SCHEMATHESIS,
        *before,
        *("run", document, "--url", server.url, "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-database", "none"),
        *("--warnings", "off", "--no-color", *arguments),
        cwd=server.folder,
    )
    print("\n".join(said.splitlines()[-12:]))
