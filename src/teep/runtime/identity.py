"""The identity of this process, and whether another one still lives."""

import os
import secrets
import socket
import subprocess
import threading
from enum import Enum
from functools import cache
from pathlib import Path

from teep.store.running.owners import Owner

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# The 3rd and 22nd field of /proc/<pid>/stat, counted after the command's closing parenthesis.
_STATE_FIELD, _START_FIELD = 0, 19


def hostname() -> str:
    return os.environ.get("DYNO") or socket.gethostname()


def new_identity() -> str:
    """Return `hostname:pid:nonce`, new for each worker that starts."""
    return f"{hostname()}:{os.getpid()}:{secrets.token_hex(6)}"


def thread_id() -> str:
    """Return the running thread's id as Sidekiq shows it: base 36."""
    return base36(threading.get_ident() ^ os.getpid())


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


@cache
def machine() -> str:
    """Return the name of the space in which this process's pid is unique: the boot and the pid namespace.

    The host name alone is not enough: containers may share it and still have pids of their own.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux: no pid namespaces either
        return hostname()


def started(pid: int) -> int:
    """Return when a process started (clock ticks since boot), or 0 if that is not known."""
    stat = _stat(pid)
    return int(stat[_START_FIELD]) if stat else 0


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat, or none without /proc or such a process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


class ProcessState(Enum):
    """The state of a process, as the kernel sees it."""

    RUNS = "runs"
    STOPPED = "stopped"  # by SIGSTOP or a debugger
    GONE = "gone"  # dead, perhaps not yet waited for


def state(pid: int) -> ProcessState:
    """Return the state of a process. Without /proc this runs `ps`."""
    stat = _stat(pid)
    letter = stat[_STATE_FIELD] if stat else _state_by_ps(pid)
    if letter in ("", "Z", "X"):
        return ProcessState.GONE
    return ProcessState.STOPPED if letter in "Tt" else ProcessState.RUNS


def _state_by_ps(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return ""
    command = ["/bin/ps", "-o", "state=", "-p", str(pid)]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()[:1]  # noqa: S603 - a number is its only argument
    except OSError:
        return "R"  # unknown without /proc and ps: it may live


def owner(identity: str, queues: tuple[str, ...]) -> Owner:
    """Return this process's entry for the registry of jobs in flight."""
    return Owner(identity, os.getpid(), machine(), started(os.getpid()), queues)


def is_gone(owner: Owner) -> bool:
    """Tell whether a process is certainly dead: it ran on this machine, and its pid is free, another's, or a zombie.

    False if this machine cannot know; then the heartbeat decides.
    """
    if owner.machine != machine() or os.name != "posix":  # Windows would take the 0 below for Ctrl-C
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it lives, under another user
    stat = _stat(owner.pid)
    if not stat:
        return False
    is_another = owner.started not in (0, int(stat[_START_FIELD]))
    # A zombie keeps its pid until its parent waits for it. The first process of a container often never does.
    return is_another or stat[_STATE_FIELD] == "Z"
