"""What the demo runs on: a temporary folder, an embedded server in it, and a worker process.

Each part is a context manager, so that whatever ends the demo (its last line, an error, Ctrl-C) takes everything down
in reverse order. Neither the start nor the end of a part can be cut in two by a signal.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from teep import embedded
from teep.config import configure
from teep.demo import results
from teep.demo.waiting import DemoFailed, wait_until

# Seconds that the worker gets to end by itself; what it had not finished is of no use to anyone.
_WORKER_STOP = 10.0
_SERVER_STOP = 20.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let TERM and HUP (a terminal that closes) end the demo as Ctrl-C does: with everything taken down."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    with _handled((signal.SIGTERM, signal.SIGHUP), leave):
        yield


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
def worker(redis_url: str, demo_folder: Path) -> Iterator["WorkerProcess"]:
    """A worker process; it is gone when the context ends."""
    with ExitStack() as undo:
        with _whole():
            process = WorkerProcess(redis_url, demo_folder)
            undo.callback(process.stop)
        yield process


class WorkerProcess:
    """A `teep worker` with the demo's jobs."""

    def __init__(self, redis_url: str, demo_folder: Path) -> None:
        self._log = demo_folder / "worker.log"
        command = [
            *(sys.executable, "-m", "teep", "worker", "teep.demo.jobs", "-q", "heavy,1", "-q", "light,3"),
            *("--tag", "demo", "--timeout", "1", "--log-level", "WARNING", "--redis-url", redis_url),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                env={**os.environ, results.FOLDER: str(demo_folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops the worker
            )

    def check(self) -> None:
        """Raise DemoFailed, with the end of its log, where it has ended."""
        if self._process.poll() is not None:
            last = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
            raise DemoFailed(f"the worker ended with status {self._process.returncode}; its last lines:\n{last}")

    def stop(self) -> None:
        """End it."""
        with _whole():
            self._process.terminate()
            try:
                self._process.wait(_WORKER_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


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
    with _handled(_ENDING, lambda number, _: arrived.append(number)):
        yield
    if arrived:
        signal.raise_signal(arrived[0])


@contextmanager
def _handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
