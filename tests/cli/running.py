"""Running the command as a user does: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support import forkserver

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "teep"]


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without anything that configures teep, plus `variables`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TEEP_") and name != "REDIS_URL"}
    return {**ours, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", **variables}


def teep(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `teep` with arguments and environment variables, and return how it went."""
    return forkserver.run([*COMMAND, *arguments], None, environment(**variables))


def output(*arguments: str, **variables: str) -> str:
    """Return what `teep` prints, where it succeeds."""
    done = teep(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sentence(done: subprocess.CompletedProcess[Any]) -> str:
    """Return the one line that a refused command leaves on standard error."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return str(line)
