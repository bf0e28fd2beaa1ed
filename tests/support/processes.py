"""Processes as the machine sees them."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE, Popen

_PROC = Path("/proc")


def lives(pid: int) -> bool:
    """Whether there is a process of that pid, which may be a zombie that nobody has reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def command_lines() -> dict[int, str]:
    """The command lines of all processes that run, by pid; of zombies none."""
    # Where there is /proc it is a hundred times cheaper than ps, and tests ask until something changes.
    return _by_proc() if (_PROC / "self" / "cmdline").exists() else _by_ps()


def name(pid: int) -> str:
    """What a process is called, as `top` shows it."""
    if (comm := _PROC / str(pid) / "comm").exists():
        return comm.read_text("utf-8").rstrip("\n")
    asked = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def race(command: Sequence[str], racers: int = 2) -> list[str]:
    """Run a program so many times at once, and return what each said at the end.

    Each says "ready", and waits for a line; all are told to go when the last one is ready.
    """
    running = [Popen(command, stdin=PIPE, stdout=PIPE, text=True) for _ in range(racers)]
    try:
        for racer in running:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in running:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [racer.communicate(timeout=60)[0] for racer in running]
    finally:
        for racer in running:
            racer.kill()
            racer.wait()


def _by_proc() -> dict[int, str]:
    found: dict[int, str] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            if words:  # a zombie and the kernel's own have none
                found[int(entry.name)] = words.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return found


def _by_ps() -> dict[int, str]:
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True)
    rows = (line.split(None, 2) for line in listing.stdout.splitlines())
    return {int(pid): command for pid, state, command in rows if not state.startswith("Z")}
