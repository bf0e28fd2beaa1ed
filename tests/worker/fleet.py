"""A server and the workers that a test starts on it: in this process, or as processes of their own."""

import os
import re
import signal
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from teep import Client, Config
from teep.client.client import Enqueueable
from teep.config import overridden
from teep.runtime import identity
from teep.worker import Worker
from tests.support.forkserver import QuickWorker
from tests.support.servers import Server
from tests.support.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
_UP_SECONDS = 40.0
# Seconds that a test waits for what a worker should do soon; it only takes this long to fail.
SOON = 30.0


class WorkerProcess(QuickWorker):
    """`teep worker tests.worker.jobs`, or another module as a program, where warnings are errors.

    It ends with the test. `path` is a folder of more modules that it can import.
    """

    def __init__(
        self,
        url: str,
        arguments: Sequence[str],
        *,
        program: Sequence[str] = ("teep", "worker", "tests.worker.jobs"),
        environment: Mapping[str, str] | None = None,
        path: Path | None = None,
    ) -> None:
        super().__init__(
            *arguments,
            redis_url=url,
            folder=ROOT,
            command=(sys.executable, "-m", *program),
            environment={
                # In the variable of lower rank: what a test says elsewhere of Redis holds.
                "TEEP_REDIS_URL": "",
                "REDIS_URL": url,
                "PYTHONPATH": os.pathsep.join(map(str, filter(None, (ROOT / "src", path)))),
                "PYTHONWARNINGS": "error",
                "PYTHONDONTWRITEBYTECODE": "1",  # a test may change a module twice within a second
                **(environment or {}),
            },
        )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log, where it was started with `--json-logs`; a line that is no JSON object fails here."""
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in self.log.splitlines()]

    def wait_for_log(self, text: str, seconds: float = SOON) -> None:
        wait_until(lambda: text in self.log, seconds, lambda: f"{text!r} in the log:\n{self.log}")


class Supervised:
    """A supervisor and its workers. They stop with the test."""

    def __init__(self, fleet: "Fleet", process: WorkerProcess) -> None:
        self._fleet = fleet
        self.process = process

    def workers(self) -> dict[int, str]:
        """Return the identities of the workers in the process set, by pid."""
        names = (str(raw, "utf-8") for raw in self._fleet.server.command("SMEMBERS", "processes"))
        return {int(name.split(":")[1]): name for name in names}

    def await_workers(self, count: int, besides: Iterable[int] = ()) -> list[int]:
        """Wait until that many workers run that are none of `besides`, as the supervisor knows; return their pids."""
        return wait_until(
            lambda: pids if len(pids := sorted(self._serving() - set(besides))) == count else [],
            _UP_SECONDS,
            lambda: f"{count} workers besides {besides}; there are {self.workers()}:\n{self.process.log}",
        )

    def await_end(self, pids: Collection[int]) -> None:
        """Wait until these processes have ended."""
        wait_until(
            lambda: all(identity.state(pid) is identity.ProcessState.GONE for pid in pids),
            _UP_SECONDS,
            lambda: f"{pids} to end:\n{self.process.log}",
        )

    def close(self) -> None:
        pids = self._running()
        if self.process.is_alive:
            self.process.signal(signal.SIGTERM)
            self.process.wait(_UP_SECONDS)
        self.await_end(pids)

    def _serving(self) -> set[int]:
        log = self.process.log
        return {pid for pid in self._running() if re.search(rf": worker {pid} (is up|replaces)", log)}

    def _running(self) -> set[int]:
        return {pid for pid in self.workers() if identity.state(pid) is not identity.ProcessState.GONE}


class Fleet:
    """Workers on one server. Also a context manager, which ends them all."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.config = self.configure()
        self.client = Client(self.config)
        self._ending = ExitStack()

    def configure(self, **options: Any) -> Config:
        """Return a configuration for this server."""
        return Config(**{"redis_url": self.server.url, "concurrency": 3, "timeout": 5.0, **options})

    def start(self, config: Config | None = None, **options: Any) -> Worker:
        """Start a worker in this process."""
        worker = Worker(config or self.configure(**options))
        worker.start()
        self._ending.callback(worker.stop, 0.5)
        return worker

    def spawn(self, *arguments: str, await_up: bool = True, **options: Any) -> WorkerProcess:
        """Start a worker process; by default return when it serves its queues."""
        process = WorkerProcess(self.server.url, arguments, **options)
        self._ending.callback(process.kill)
        if await_up:
            process.wait_until_ready(_UP_SECONDS)
        return process

    def supervise(self, count: int, *arguments: str, by_file: bool = False, **options: Any) -> Supervised:
        """Start a supervisor with that many workers, and return when they are up; `by_file`: a file says how many."""
        flags = [] if by_file else ["-p", str(count)]
        process = WorkerProcess(self.server.url, [*flags, *arguments], **options)
        self._ending.callback(process.kill)
        supervised = Supervised(self, process)
        self._ending.callback(supervised.close)
        supervised.await_workers(count)
        return supervised

    def identity(self, process: WorkerProcess) -> str:
        """Return a process's identity as Redis shows it, or "" where it is not (or no more) there."""
        for name in self.server.command("SMEMBERS", "processes"):
            if name.split(b":")[1] == b"%d" % process.pid:
                return str(name, "utf-8")
        return ""

    def push(self, job: Enqueueable | str, *args: Any, **fields: Any) -> str:
        """Push a job, or what only the worker process knows by its name; returns the jid."""
        if isinstance(job, str):
            jid = self.client.push({"class": job, "args": list(args), **fields})
        else:
            jid = self.client.push(job.to_payload(args, {}) | fields)
        assert jid is not None
        return jid

    def push_raw(self, raw: bytes, queue: str = "default") -> None:
        self.server.command("LPUSH", f"queue:{queue}", raw)

    def queue(self, name: str = "default") -> list[bytes]:
        """Return a queue's payloads, the next to run first."""
        return list(reversed(self.server.command("LRANGE", f"queue:{name}", 0, -1)))

    def members(self, key: str) -> list[bytes]:
        """Return a job set's payloads, the lowest score first."""
        return list(self.server.command("ZRANGE", key, 0, -1))

    def failed_payload(self, key: str = "retry") -> dict[str, Any]:
        """Wait for a job in a set and return its payload."""
        raw = wait_until(lambda: self.members(key), SOON, f"a job in {key}")[0]
        return msgspec.json.decode(raw, type=dict[str, Any])

    def noted(self, key: str = "noted") -> list[str]:
        """Return what the jobs of `tests.worker.jobs` have noted, oldest first."""
        return [str(raw, "utf-8") for raw in self.server.command("LRANGE", key, 0, -1)]

    def wait_for_notes(self, count: int, key: str = "noted", seconds: float = SOON) -> list[str]:
        """Wait until that many were noted, and return them."""
        wait_until(lambda: len(self.noted(key)) >= count, seconds, lambda: f"{count} notes: {self.noted(key)[-20:]}")
        return self.noted(key)

    def in_flight(self) -> list[bytes]:
        """Return every payload that any process has reserved."""
        keys = self.server.command("KEYS", "{queue:*}:inflight:*")
        return [raw for key in keys for raw in self.server.command("LRANGE", key, 0, -1)]

    def counters(self) -> tuple[int, int]:
        """Return how many runs were counted as processed, and of those as failed."""
        processed, failed = self.server.command("MGET", "stat:processed", "stat:failed")
        return int(processed or 0), int(failed or 0)

    def wait_until_processed(self, count: int, seconds: float = SOON, *, in_flight: int = 0) -> None:
        """Wait until the server counts that many runs and no more than `in_flight` jobs are in flight."""
        wait_until(
            lambda: self.counters()[0] >= count and len(self.in_flight()) <= in_flight,
            seconds,
            lambda: f"{count} jobs to be processed; counted {self.counters()}, in flight {self.in_flight()[:5]}",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending.close()


@contextmanager
def process_wide(server: Server) -> Iterator[Fleet]:
    """An emptied server and no worker yet; its configuration is the process-wide one, for jobs that push jobs."""
    server.flushall()
    with Fleet(server) as fleet, overridden(fleet.config):
        yield fleet
