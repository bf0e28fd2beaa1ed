"""The stage of the demo: a temporary folder, an embedded server in it, a fleet of workers, and the web page.

Each part is a context manager, so that any end of the demo (its last line, an error, Ctrl-C) takes everything down
in reverse order. Neither the start nor the end of a part can be cut in two by a signal.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from teep import embedded, testing
from teep.config import configure
from teep.demo import results
from teep.demo.jobs import HEAVY, LIGHT
from teep.demo.waiting import DemoFailed
from teep.runtime.signals import handled
from teep.testing.process import WorkerProcess

PORT = 9797
"""Where the web page is, if nothing else is there."""
PAGE_NEEDS = ("jinja2", "starlette", "uvicorn")
"""The packages of the web page, an extra."""

# Seconds that the server gets to end when nobody uses it any more.
_SERVER_STOP = 20.0
# Seconds that the workers get; nobody needs their unfinished jobs.
_WORKER_STOP = 15.0
_PAGE_STOP = 5.0
# Seconds between heartbeats, and between looks for due jobs, for a screen that is up to date; 5 by default.
_HEARTBEAT, _POLL = "1", "0.5"
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
def fleet(redis_url: str, demo_folder: Path, workers: int) -> Iterator[WorkerProcess]:
    """Worker processes with the demo's jobs, under a supervisor; all are gone when the context ends."""
    # The URL is the socket's, without a password: in a list of processes it shows which demo's workers these are.
    what = ("-p", str(workers), "-q", f"{HEAVY},1", "-q", f"{LIGHT},3")
    flags = ("--tag", "demo", "--timeout", "1", "--log-level", "WARNING", "--redis-url", redis_url)
    with ExitStack() as undo:
        with _whole():
            environment = {
                results.FOLDER: str(demo_folder),
                "TEEP_HEARTBEAT_INTERVAL": _HEARTBEAT,
                "TEEP_POLL_INTERVAL_AVERAGE": _POLL,
            }
            process = WorkerProcess(
                "teep.demo.jobs", *what, *flags, redis_url=redis_url, environment=environment, isolated=True
            )
            undo.callback(_stop_worker, process)
        yield process


@contextmanager
def page(redis_url: str) -> Iterator[str]:
    """The web page, by its address; it is gone when the context ends.

    Raises:
        DemoFailed: it did not start, with its own last lines.
    """
    command = [
        sys.executable,
        "-m",
        "teep",
        "web",
        "--port",
        str(_free_port()),
        "--redis-url",
        redis_url,
        "-C",
        "none",
    ]
    with ExitStack() as undo:
        with _whole():
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            undo.callback(_stop_page, process)
        yield _address(process)


def _address(process: "subprocess.Popen[str]") -> str:
    said: list[str] = []
    for line in process.stdout or ():
        if found := re.search(r"at (http://\S+);", line):
            return found[1]
        said.append(line)
    raise DemoFailed(f"the web page did not start; its last lines:\n{''.join(said[-10:]).rstrip()}")


def _free_port() -> int:
    """Return the usual port, or 0, any, if that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


def _stop_worker(process: WorkerProcess) -> None:
    with _whole():
        process.stop(_WORKER_STOP)


def _stop_page(process: "subprocess.Popen[str]") -> None:
    with _whole(), process:
        process.terminate()
        try:
            process.wait(_PAGE_STOP)
        except subprocess.TimeoutExpired:
            process.kill()


def _remove(path: Path) -> None:
    with _whole():
        shutil.rmtree(path)


def _stop_server(lease: embedded.Lease) -> None:
    with _whole():
        pid = lease.pid
        lease.release()
        testing.wait_until(lambda: not _lives(pid), _SERVER_STOP, "the end of the server")


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
