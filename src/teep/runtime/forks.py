"""A fork of a process that runs jobs is a plain child: it has its parent's memory and none of its duties.

1. What has duties enters here when it takes them up, and is told in each fork to let go of them.
2. A thread of teep's that a job has forked from ends its process in the child, where it would go on otherwise: with
   the exit code that the job's `sys.exit` asks for, 1 after an exception, and 0 where the job returns.
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
    """What has duties that no fork may do."""

    def disown(self) -> None:
        """Let go of them, in a fork. No other thread is there, and a lock may be held for ever."""


_told: list[ForkAware] = []
# Each forking thread's signal mask from before. A signal that comes to a child before its parent's handlers are gone
# there would be lost, as when a job terminates a process that it has just started: so it waits until they are.
_masks: dict[int, set[int | signal.Signals]] = {}
_HELD = ("SIGTERM", "SIGINT", "SIGTSTP", "SIGTTIN", "SIGUSR2")


def enter(owner: ForkAware) -> None:
    """Have it told of forks from now on."""
    if owner not in _told:
        _told.append(owner)


def leave(owner: ForkAware) -> None:
    """Have it told no longer. Idempotent."""
    if owner in _told:
        _told.remove(owner)


def end(error: BaseException | None) -> NoReturn:
    """End this process, a fork in a job, as Python ends one, but without the parent's handlers of atexit."""
    code = 0 if error is None else _code_of(error)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # it is closed, or there is none
            stream.flush()
    os._exit(code)


def ends_in_fork(run: Callable[P, None]) -> Callable[P, None]:
    """Make a thread's function that ends its process where it comes to its end in a fork."""

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
