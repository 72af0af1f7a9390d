"""smoke.sh, the files that people import, and the OpenAPI document itself."""

import json
import re
import sys

from checks import ROOT, Bench
from server import OWNER, PASSWORD
from walk import PARTS

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
COLLECTION = ROOT / "docs" / "doorward.postman_collection.json"
HTTP_FILE = ROOT / "docs" / "doorward.http"
STEPS = sum(len(part.steps) for part in PARTS)


def smoke(bench: Bench) -> None:
    """smoke.sh says that everything held."""
    said = bench.call(ROOT / "smoke.sh", bench.server.url)
    assert " 0 not held, 0 skipped" in said, said


def fresh(bench: Bench) -> None:
    """The files are those that the walk gives."""
    bench.call(sys.executable, ROOT / "interop" / "client_files.py", "--check")


def template(path: str) -> str:
    """The path with {} for each of its variables."""
    return re.sub(r"\{+[^{}]*\}+", "{}", path)


def in_collection(items: list) -> "set[tuple[str, str]]":
    """Method and path of each request of a Postman collection."""
    found = set()
    for item in items:
        if "item" in item:
            found |= in_collection(item["item"])
        else:
            request = item["request"]
            path = request["url"]["raw"].removeprefix("{{base_url}}").partition("?")[0]
            found.add((request["method"], template(path)))
    return found


def complete(bench: Bench) -> None:
    """Both files have every route of the document, and nothing else."""
    document = json.loads(bench.server.run("openapi"))
    told = {
        (method.upper(), template(path))
        for path, item in document["paths"].items()
        for method in item
        if method in METHODS
    }
    request = re.compile(r"^([A-Z]+) \{\{base_url\}\}([^?\s]*)", re.MULTILINE)
    files = {
        COLLECTION: in_collection(json.loads(COLLECTION.read_text())["item"]),
        HTTP_FILE: {(method, template(path)) for method, path in request.findall(HTTP_FILE.read_text())},
    }
    wrong = [f"{file.name} lacks {route}" for file, found in files.items() for route in sorted(told - found)]
    wrong += [f"{file.name} alone has {route}" for file, found in files.items() for route in sorted(found - told)]
    assert not wrong, "\n".join([*wrong, "add or remove the step in interop/walk.py"])


def newman(bench: Bench) -> None:
    """Newman runs every request of the collection."""
    report = bench.folder / "newman.json"
    values = {"base_url": bench.server.url, "owner_username": OWNER, "owner_password": PASSWORD}
    bench.call(
        bench.programs / "newman",
        *("run", COLLECTION, "--color", "off", "--reporters", "cli,json", "--reporter-json-export", report),
        *(word for key, value in values.items() for word in ("--env-var", f"{key}={value}")),
    )
    stats = json.loads(report.read_text())["run"]["stats"]
    assert stats["requests"] == {"total": STEPS, "pending": 0, "failed": 0}, stats["requests"]
    assert stats["assertions"]["total"] >= STEPS, stats["assertions"]


def httpyac(bench: Bench) -> None:
    """HttpYac runs every request of the HTTP-client file."""
    text = HTTP_FILE.read_text()
    for key, value in {"base_url": bench.server.url, "owner_username": OWNER, "owner_password": PASSWORD}.items():
        text = re.sub(rf"^@{key} =.*$", f"@{key} = {value}", text, flags=re.MULTILINE)
    (bench.folder / HTTP_FILE.name).write_text(text)
    said = bench.call(bench.programs / "httpyac", "send", HTTP_FILE.name, "--all", "--no-color", cwd=bench.folder)
    assert f"{STEPS} requests processed ({STEPS} succeeded" in said, said[-2000:]


def linted(bench: Bench) -> None:
    """Spectral finds no error in the document, which the server and the command give alike."""
    document = bench.server.run("openapi")
    served = bench.call("curl", "--silent", "--show-error", "--fail", f"{bench.server.url}/api/openapi.json")
    assert served == document, "the server and the command give different documents"
    path = bench.folder / "openapi.json"
    path.write_text(document)
    ruleset = bench.folder / "ruleset.json"
    ruleset.write_text(json.dumps({"extends": ["spectral:oas"]}))
    bench.call(bench.programs / "spectral", "lint", path, "--ruleset", ruleset, "--fail-severity", "error")
