"""Running the command as a user does: in a process of its own, in a pipe or on a terminal."""

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

from tests.support import forkserver

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "teep"]
# Seconds that a command on a terminal may be silent.
_PATIENCE = 30.0


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


def printed(*arguments: str, **variables: str) -> list[Any]:
    """Return what `teep --json` prints, where it succeeds: a value a line."""
    return [json.loads(line) for line in output(*arguments, "--json", **variables).splitlines()]


def sentence(done: subprocess.CompletedProcess[Any], code: int = 1) -> str:
    """Return the one line that a refused command leaves on standard error."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return str(line)


def on_terminal(
    *arguments: str, answer: str = "", asks: str = "[y/N]", columns: int = 80, **variables: str
) -> tuple[int, str]:
    """Run `teep` on a terminal; gives its exit code, and all that the screen got.

    `answer` is typed as soon as the screen has what it `asks`.
    """
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    given = environment(TERM="xterm", COLUMNS=str(columns), **variables)
    with open(slave, "r+b", buffering=0) as terminal:  # noqa: PTH123 - a descriptor
        process = forkserver.start([*COMMAND, *arguments], None, given, terminal, terminal, stdin=terminal)
    try:
        said = _typed(master, asks, answer)
        return process.wait(_PATIENCE), said
    finally:
        os.close(master)
        process.kill()


def _typed(master: int, asks: str, answer: str) -> str:
    said = b""
    while part := _read(master):
        said += part
        if answer and asks.encode() in said:
            os.write(master, answer.encode())
            answer = ""
    return said.decode()


def _read(master: int) -> bytes:
    ready, _, _ = select.select([master], [], [], _PATIENCE)
    assert ready, "it says nothing, and does not end"
    try:
        return os.read(master, 1 << 16)
    except OSError:  # how Linux says that the other end is closed
        return b""
