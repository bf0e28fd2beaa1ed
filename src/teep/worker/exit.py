"""The end of a worker's process: in order, and within a deadline, whatever its threads and handlers do.

1. The code that called the worker goes on and ends: a profiler writes its file, for example.
2. The interpreter waits for threads that are not daemons, including those of executors, for two seconds.
3. The `atexit` handlers are called, standard streams and logs are flushed, and the process ends at once.
   The interpreter's last steps are left out, since a job that ignores its stop may hold a lock that they need.

Threads and handlers that still run three seconds after the stop end with the process.
"""

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator

from teep.telling import Logger

logger = Logger("teep")

# Seconds that threads have, from the stop on.
_THREADS = 2.0
# Seconds until the process ends, from the stop on.
_ALL = 3.0
# Seconds that the last flush may take: standard output may be a pipe that no process reads.
_FLUSH = 0.5


@contextlib.contextmanager
def exiting() -> Iterator[None]:
    """End the process soon after the block, however the block ends; if it raises, with that error's exit code."""
    try:
        yield
    except BaseException as error:
        exit_soon(_code(error))
        raise
    exit_soon(0)


def exit_soon(code: int) -> None:
    """End the process with this exit code, within three seconds. Only the first call counts."""
    global _exit  # noqa: PLW0603 - a process has one
    if _exit is None:
        _exit = _Exit(code)
        _exit.start()


def exit_at_last(seconds: float) -> None:
    """End the process with exit code 1 after so many seconds, if it has not ended by then."""
    last_resort = threading.Timer(seconds, os._exit, (1,))
    last_resort.daemon = True
    last_resort.start()


class _Exit:
    """The end of this process. Its threads are started beforehand: while it ends, Python starts no more."""

    def __init__(self, code: int) -> None:
        self._code = code
        self._turn = threading.Lock()
        self._finisher: int | None = None
        self._begun = threading.Event()
        self._late = threading.Event()
        self._flushed = threading.Event()

    def start(self) -> None:
        # Handlers are called in reverse order: the process is still whole, and all others are to come.
        atexit.register(self._finish)
        for work in (self._finish_late, self._flush_late, self._insist):
            threading.Thread(target=work, name="teep-exit", daemon=True).start()

    def _finish(self) -> None:
        """Call all `atexit` handlers and end the process; the first thread to call this does it."""
        if not self._turn.acquire(blocking=False):
            if self._finisher != threading.get_ident():
                threading.Event().wait()  # another thread ends the process
            return  # this is one of the handlers being called
        self._finisher = threading.get_ident()
        self._begun.set()
        try:
            atexit._run_exitfuncs()  # noqa: SLF001 - as multiprocessing does
            _flush()
        finally:
            os._exit(self._code)

    def _finish_late(self) -> None:
        if not self._begun.wait(_THREADS):
            logger.warning("the process ends %.0f s after the stop, whatever still runs: %s", _THREADS, _threads())
            self._finish()

    def _flush_late(self) -> None:
        self._late.wait()
        logger.warning("an atexit handler has not ended %.0f s after the stop; the process ends regardless", _ALL)
        _flush()
        self._flushed.set()

    def _insist(self) -> None:
        time.sleep(_ALL)
        self._late.set()
        self._flushed.wait(_FLUSH)
        os._exit(self._code)


_exit: _Exit | None = None


def _threads() -> str:
    """Return the names of the program's threads. An executor's are daemons if a daemon thread started them."""
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    return ", ".join(thread.name for thread in others if not thread.name.startswith("teep-"))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # it may be closed, None or a user's own class, which may raise anything
            stream.flush()
    with contextlib.suppress(Exception):  # as above
        logging.shutdown()


def _code(error: BaseException) -> int:
    """Return the exit code that Python itself would end with after this error."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 130 if isinstance(error, KeyboardInterrupt) else 1
