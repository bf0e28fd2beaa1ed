"""Processes as the machine sees them."""

import os
import subprocess
from pathlib import Path

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
