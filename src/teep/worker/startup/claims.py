"""Protection from imported code, which may take a worker's loggers, log handler and threads away.

An application sets logging up as it likes, and teep's lines follow that setup. It must not silence teep by accident,
as `logging.config` would: that disables every logger that its configuration does not name.
"""

import _thread
import logging
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from teep.errors import ConfigurationError
from teep.telling import Logger
from teep.worker.logs.log_handler import LineHandler

logger = Logger("teep")

_NAMES = ("teep", "teep.job")
# Libraries that replace threads by their own kind, of which one runs at a time, and none while one waits in C.
_PATCHING = ("gevent", "eventlet")
_THREADS = (
    (_thread, "start_new_thread"),
    (threading, "_start_new_thread"),
    (threading, "_start_joinable_thread"),
    (threading, "Lock"),
    (queue, "SimpleQueue"),
)


class _Lasting(logging.Logger):
    """A logger that cannot be disabled; only its level decides which lines it logs."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "disabled":
            super().__setattr__(name, value)


@contextmanager
def kept(*, embedded: bool = False) -> Iterator[None]:
    """Protect a worker's loggers, log handler and threads while its modules are imported.

    `embedded` tells that the program around the worker has set logging up: only teep's loggers are protected then.

    Raises:
        ConfigurationError: threads are patched.
    """
    keep_loggers()
    check_threads()
    ours = [handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]
    yield
    if embedded:
        return
    check_threads()
    if ours:
        _respect(ours)
    if logging.root.manager.disable >= logging.WARNING:
        name = logging.getLevelName(logging.root.manager.disable)
        logging.disable(logging.NOTSET)
        logger.warning("code called logging.disable(%s), which would hide failures; that is undone", name)


def keep_loggers() -> None:
    """Keep teep's loggers enabled, whatever code sets logging up from now on, even in a job."""
    for name in _NAMES:
        own = logging.getLogger(name)
        own.disabled = False
        own.__class__ = _Lasting


def check_threads() -> None:
    """Refuse to run if a library has replaced Python's threads.

    Raises:
        ConfigurationError: names the library that has patched them.
    """
    for module, name in _THREADS:
        library = str(getattr(getattr(module, name, None), "__module__", "")).partition(".")[0]
        if library in _PATCHING:
            raise ConfigurationError(
                f"{library} has patched Python's threads, which a worker needs as they are: do not patch where a"
                " worker runs; its concurrency comes from threads and, for async def jobs, from an event loop"
            )


def _respect(ours: list[LineHandler]) -> None:
    """If the application has its own log handler, use that, and not teep's beside it."""
    root = logging.getLogger()
    others = [handler for handler in root.handlers if handler not in ours]
    if any(handler in root.handlers for handler in ours):
        if any(getattr(handler, "stream", None) in (sys.stdout, sys.stderr) for handler in others):
            for handler in ours:
                root.removeHandler(handler)
            logger.info("the application logs to the console itself, so teep does not log there beside it")
    elif others or logging.getLogger(_NAMES[0]).handlers:
        logger.info("logging is set up by the application, so teep's own format and level do not hold")
    else:
        for handler in ours:
            root.addHandler(handler)
        logger.warning("code has removed every handler of the root logger, so teep's own is put back")
