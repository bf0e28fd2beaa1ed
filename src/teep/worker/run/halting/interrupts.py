"""Raises an exception in the thread of a running job, and never in code that the thread runs after the job.

`PyThreadState_SetAsyncExc` leaves an exception in a slot of the thread, which raises it at some later bytecode,
wherever it is by then. A handshake between both sides makes sure that this is inside the job. It uses no lock, since
the exception may come between taking a lock and the block that releases it.

1. The job's thread enters by writing `_inside`, and leaves by clearing it and then looking for a claim.
2. The interrupting thread writes its claim, and then looks whether the job's thread is still inside. Since each side
   writes before it looks, at least one sees the other. A thread that has left is not interrupted, or it finds the
   claim, waits until that is decided, and empties the slot.
3. The exception may still come while the thread leaves. Then it leaves again.

Why nothing is left in the slot. Interrupting threads take turns, so when `_inside` is cleared at most one of them has
looked and not yet raised. At most two exceptions can therefore come after that: the one in the slot by then, and the
one of that thread. Leaving twice meets both. CPython raises only at calls and backward jumps, and there is none
between the place that catches an exception and the one that clears `_inside`.

Why no thread waits for ever. A claim is decided on every way out of `interrupt`, and nothing on the way waits.
Emptying the slot is a fixed number of steps. Python ignores an exception that comes while a hook of the garbage
collector or a weak reference's callback runs, so an exception in the slot may never arrive, and no thread may wait
for it.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from teep.errors import Shutdown
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.halting import stacks

# Seconds between looks at a claim that is being decided, which takes some microseconds.
_LOOK = 0.0001
# How often to try to empty the slot by raising. Once is enough, unless the garbage collector runs a hook just then.
_TRIES = 100


class _Claim(Enum):
    UNDECIDED = "the thread must wait"
    DECIDED = "an exception may lie in the slot"


class _Drained(BaseException):
    """The exception that a thread raises in itself, so that no other one is left in the slot."""


class Interrupts:
    """The threads that run jobs, by thread id, and the means to interrupt their jobs."""

    # Seconds in which a cancelled job may end by itself: the exception can come at a bad moment.
    grace = 1.0

    def __init__(self) -> None:
        self._idents: dict[str, int] = {}
        self._inside: dict[str, UnitOfWork | None] = {}
        self._claims: dict[str, _Claim] = {}
        self._interrupting = threading.Lock()  # among interrupting threads; a job's thread never takes it
        self._closed = False

    def register(self, thread_id: str) -> None:
        """Note that the calling thread runs jobs, under this id."""
        self._idents[thread_id] = threading.get_ident()

    def run(self, thread_id: str, job: UnitOfWork, call: Callable[[UnitOfWork, str], Any]) -> Any:
        """Run a job in the calling thread so that it can be interrupted, but no code before or after it.

        Returns what it returned.
        """
        try:
            try:
                self._inside[thread_id] = job
                if self._closed:
                    raise Shutdown
                return call(job, thread_id)
            finally:
                self._inside[thread_id] = None
                if thread_id in self._claims:
                    self._answer(thread_id)
        except BaseException:
            self._inside[thread_id] = None
            if thread_id in self._claims:
                self._answer(thread_id)
            raise

    def interrupt(self, thread_id: str, job: UnitOfWork, kind: type[BaseException]) -> None:
        """Raise `kind` in a thread at its next bytecode, if it is still in this job."""
        with self._interrupting:
            self._claims[thread_id] = _Claim.UNDECIDED
            try:
                if self._inside.get(thread_id) is job:
                    _raise_in(self._idents[thread_id], kind)
            finally:
                self._claims[thread_id] = _Claim.DECIDED

    def close(self) -> None:
        """Let no more jobs start: they end with `Shutdown` before they begin."""
        self._closed = True

    def disown(self) -> None:
        """Drop, in a fork, the claims of other threads, which are not in the fork and would never decide them."""
        self._claims.clear()

    def stack(self, thread_id: str) -> str:
        """Return the current stack of a thread."""
        return stacks.of_thread(self._idents[thread_id])

    def _answer(self, thread_id: str) -> None:
        while self._claims.get(thread_id) is _Claim.UNDECIDED:
            time.sleep(_LOOK)
        ident = self._idents[thread_id]
        try:
            # It replaces the exception in the slot. If the slot were only emptied, CPython 3.11 would look into it at
            # every call from then on.
            for _ in range(_TRIES):
                _raise_in(ident, _Drained)
            _raise_in(ident, None)
        except _Drained:
            pass
        self._claims.pop(thread_id, None)


def _raise_in(ident: int, kind: type[BaseException] | None) -> None:
    """Put an exception into a thread's slot, in place of one that may be there; None empties the slot."""
    exception = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), exception)
