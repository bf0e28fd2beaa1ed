"""Forks of a process that runs jobs. Such a fork is a plain child with its parent's memory and none of its duties.

1. An object with duties enters here when it takes them up. In each fork it is told to let go of them.
2. If a job forks, the copy of teep's thread ends the child when the job ends there, so that it runs no further jobs.
   The exit code is that of the job's `sys.exit`, 1 after an exception, and 0 if the job returns.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import NoReturn, ParamSpec, Protocol

P = ParamSpec("P")


class ForkAware(Protocol):
    """An object with duties that no fork may do."""

    def disown(self) -> None:
        """Let go of them, in a fork. No other thread is there, and a lock may be held for ever."""


_told: list[ForkAware] = []
# Each forking thread's signal mask from before the fork. A signal that comes to a child before the parent's handlers
# are removed there would be lost, as when a job terminates a process that it has just started. So signals wait.
_masks: dict[int, set[int | signal.Signals]] = {}
_HELD = ("SIGTERM", "SIGINT", "SIGTSTP", "SIGTTIN", "SIGUSR2")


def enter(owner: ForkAware) -> None:
    """Tell an object of forks from now on."""
    if owner not in _told:
        _told.append(owner)


def leave(owner: ForkAware) -> None:
    """Tell it of forks no longer. Idempotent."""
    if owner in _told:
        _told.remove(owner)


def end(error: BaseException | None) -> NoReturn:
    """End this process, a fork in a job, as Python would, but without the parent's `atexit` handlers."""
    code = 0 if error is None else _code_of(error)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # it is closed or None
            stream.flush()
    os._exit(code)


def ends_in_fork(run: Callable[P, None]) -> Callable[P, None]:
    """Wrap a thread's function so that it ends the process if it returns or raises in a fork."""

    @wraps(run)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        pid = os.getpid()
        try:
            run(*args, **kwargs)
        finally:
            if os.getpid() != pid:
                end(sys.exception())

    return guarded


def _code_of(error: BaseException) -> int:
    if not isinstance(error, SystemExit):
        traceback.print_exception(error)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1


def _before() -> None:
    if _told:
        numbers = [getattr(signal, name) for name in _HELD]
        _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def _in_parent() -> None:
    mask = _masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    owners = _told.copy()
    _told.clear()
    for owner in owners:
        owner.disown()
    _in_parent()
    _masks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
