"""The checks. Each is a function that takes the Bench and raises an AssertionError when something does not hold."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from server import Doorward

ROOT = Path(__file__).resolve().parent.parent.parent


class NotChecked(Exception):
    """A check needs something that is not there."""


@dataclass(frozen=True)
class Bench:
    """What the checks work with."""

    binary: Path
    # For this run alone.
    folder: Path
    # The programs that npm has installed.
    programs: Path
    # A server with an owner, which signs with HS256.
    server: Doorward

    def call(self, *command: "str | Path", cwd: Path = ROOT, **variables: str) -> str:
        """Runs another program, which has to succeed, and gives what it printed."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "NO_COLOR": "1", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{command[0]}: exit status {done.returncode}\n{done.stdout}"
        return done.stdout
