"""The stage of the demo: a temporary folder, an embedded server in it, and a worker process.

Each part is a context manager, so that any end of the demo (its last line, an error, Ctrl-C) takes everything down
in reverse order. Neither the start nor the end of a part can be cut in two by a signal.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from teep import embedded
from teep.config import configure
from teep.demo import results
from teep.demo.waiting import wait_until
from teep.runtime.signals import handled
from teep.testing.process import WorkerProcess

# Seconds that the server gets to end when nobody uses it any more.
_SERVER_STOP = 20.0
# Seconds that the worker gets; nobody needs its unfinished jobs.
_WORKER_STOP = 15.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for everything that the demo writes."""
    with ExitStack() as undo:
        with _whole():
            path = Path(tempfile.mkdtemp(prefix="teep-demo-")).resolve()
            undo.callback(_remove, path)
        yield path


@contextmanager
def server(data_dir: Path) -> Iterator[str]:
    """An embedded server that is this process's default Redis, by its URL; it is gone when the context ends."""
    with ExitStack() as undo:
        with _whole():
            lease = embedded.acquire(data_dir)
            undo.callback(_stop_server, lease)
        configure(redis_url=lease.url)
        yield lease.url


@contextmanager
def worker(redis_url: str, demo_folder: Path) -> Iterator[WorkerProcess]:
    """A worker process with the demo's jobs; it is gone when the context ends."""
    # The URL is the socket's, without a password: in a list of processes it shows which demo's worker this is.
    queues = ("-q", "heavy,1", "-q", "light,3")
    flags = ("--tag", "demo", "--timeout", "1", "--log-level", "WARNING", "--redis-url", redis_url)
    with ExitStack() as undo:
        with _whole():
            environment = {results.FOLDER: str(demo_folder)}
            process = WorkerProcess(
                "teep.demo.jobs", *queues, *flags, redis_url=redis_url, environment=environment, isolated=True
            )
            undo.callback(_stop_worker, process)
        yield process


def _stop_worker(process: WorkerProcess) -> None:
    with _whole():
        process.stop(_WORKER_STOP)


def _remove(path: Path) -> None:
    with _whole():
        shutil.rmtree(path)


def _stop_server(lease: embedded.Lease) -> None:
    with _whole():
        pid = lease.pid
        lease.release()
        wait_until(lambda: not _lives(pid), _SERVER_STOP)


@contextmanager
def _whole() -> Iterator[None]:
    """Do something that must not be cut in two: a signal that would end the demo counts when it is done."""
    arrived: list[int] = []
    with handled(_ENDING, lambda number, _: arrived.append(number)):
        yield
    if arrived:
        signal.raise_signal(arrived[0])


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
