#!/usr/bin/env python3
"""Writes the files that people import, out of walk.py. With --check it only says whether they are up to date."""

import json
import sys
import textwrap
from pathlib import Path

from walk import PARTS, VARIABLES, Part, Step

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
ABOUT = (
    "Every route of Doorward, in an order in which they can be run from top to bottom. Tokens go from one request to "
    "the next, and the accounts that are made are deleted again."
)

NEW_USERNAME = (
    'pm.collectionVariables.set("username", "walker-" + pm.variables.replaceIn("{{$randomUUID}}").slice(0, 8));'
)


def kept_variables() -> "list[str]":
    return sorted({name for part in PARTS for step in part.steps for name in step.keeps})


def headers(step: Step) -> dict:
    told = {}
    if step.bearer:
        told["Authorization"] = "Bearer {{%s}}" % step.bearer
    if step.body is not None:
        told["Content-Type"] = "application/json"
    return {**told, **step.headers}


def body(step: Step) -> str:
    return json.dumps(step.body, indent=2)


# --- Postman ---------------------------------------------------------------------------------------------------------


def script(kind: str, lines: "list[str]") -> dict:
    return {"listen": kind, "script": {"type": "text/javascript", "exec": lines}}


def postman_item(part: Part, step: Step) -> dict:
    test = [
        f'pm.test("It is {step.status}", () => pm.response.to.have.status({step.status}));',
    ]
    if step.keeps:
        test.append("const body = pm.response.json();")
    test += [f'pm.collectionVariables.set("{name}", {source});' for name, source in step.keeps.items()]
    events = [script("test", test)]
    if step is first_step_of_a_walk():
        events.insert(
            0,
            script("prerequest", [NEW_USERNAME]),
        )
    if part.needs_owner:
        skip = 'if (!pm.variables.get("owner_password")) pm.execution.skipRequest();'
        events.insert(0, script("prerequest", [skip]))
    request = {
        "method": step.method,
        "header": [{"key": key, "value": value} for key, value in headers(step).items() if key != "Content-Type"],
        "url": {
            "raw": "{{base_url}}" + step.path,
            "host": ["{{base_url}}"],
            "path": step.path.strip("/").split("/"),
        },
    }
    if step.body is not None:
        request["body"] = {"mode": "raw", "raw": body(step), "options": {"raw": {"language": "json"}}}
    return {"name": step.name, "event": events, "request": request, "response": []}


def first_step_of_a_walk() -> Step:
    return next(step for part in PARTS for step in part.steps if step.path == "/api/v1/user/create")


def postman() -> str:
    values = {**VARIABLES, **{name: "" for name in kept_variables()}}
    collection = {
        "info": {"name": "Doorward", "description": ABOUT, "schema": SCHEMA},
        "item": [
            {
                "name": part.name,
                "description": part.about,
                "item": [postman_item(part, step) for step in part.steps],
            }
            for part in PARTS
        ],
        "variable": [{"key": key, "value": value, "type": "string"} for key, value in values.items()],
    }
    return json.dumps(collection, indent=2) + "\n"


# --- HTTP client -----------------------------------------------------------------------------------------------------


def http_step(step: Step, number: int) -> str:
    lines = [f"### {number}. {step.name}", f"{step.method} {{{{base_url}}}}{step.path}"]
    lines += [f"{key}: {value}" for key, value in headers(step).items()]
    if step.body is not None:
        lines += ["", body(step)]
    checks = [
        "> {%",
        f'client.test("It is {step.status}", () => client.assert(response.status === {step.status}));',
    ]
    checks += [f'client.global.set("{name}", response.{source});' for name, source in step.keeps.items()]
    return "\n".join([*lines, "", *checks, "%}", ""])


def http() -> str:
    about = [
        *(f"# {line}" for line in textwrap.wrap(ABOUT, 116)),
        "#",
        "# For the HTTP clients of the JetBrains IDEs and, with the extension httpYac, of VS Code. The part for owners",
        "# needs one: `doorward createsuperuser` makes one, whose name and password go into the variables.",
        "",
    ]
    variables = [f"@{name} = {value or 'TO-BE-SET'}" for name, value in VARIABLES.items()]
    texts, number = [], 0
    for part in PARTS:
        texts.append(f"# {'=' * 10} {part.name}: {part.about}\n")
        for step in part.steps:
            number += 1
            texts.append(http_step(step, number))
    return "\n".join([*about, *variables, "", *texts])


FILES = {"doorward.postman_collection.json": postman, "doorward.http": http}


def main() -> int:
    stale = []
    for name, make in FILES.items():
        path, text = DOCS / name, make()
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    for name in stale:
        print(f"docs/{name} is not what interop/client_files.py writes: run it")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
