"""What a measure needs of a system, and the systems that take jobs in Sidekiq's wire format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from bench.marks import ENVIRONMENT_VARIABLE, Marks
from bench.process import Process
from bench.server import Server

QUEUE = "queue:default"
_STAGED = "bench:staged"
_JOB_SETS = ("retry", "schedule", "dead")


class System(Protocol):
    """A program that runs the jobs of one queue, each of which marks its number."""

    @property
    def name(self) -> str: ...

    def stage(self, server: Server, numbers: range) -> None:
        """Writes these jobs to Redis where the system doesn't look."""

    def release(self, server: Server) -> None:
        """Puts the staged jobs before the system, all at one instant."""

    def start(self, server: Server, marks: Marks, log: Path) -> Process:
        """Starts the system."""
        ...

    def jobs_left(self, server: Server) -> int:
        """How many jobs Redis still holds, in whatever state: 0 once all have run and are acknowledged."""
        ...


@dataclass(frozen=True, slots=True)
class SidekiqFormat:
    """A system whose `command` works off `queue:default` and finds Redis in the environment's REDIS_URL."""

    name: str
    command: Sequence[str]
    job_class: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    def stage(self, server: Server, numbers: range) -> None:
        """LPUSH of 1,000 payloads at a time."""
        server.client.sadd("queues", "default")
        for start in range(0, len(numbers), 1000):
            server.client.lpush(_STAGED, *map(self._payload, numbers[start : start + 1000]))

    def release(self, server: Server) -> None:
        """One RENAME, which wakes the clients that block on the queue as a push would."""
        server.client.rename(_STAGED, QUEUE)

    def start(self, server: Server, marks: Marks, log: Path) -> Process:
        env = {"REDIS_URL": server.url, ENVIRONMENT_VARIABLE: str(marks.path), **self.env}
        return Process(self.command, env, log)

    def jobs_left(self, server: Server) -> int:
        """Every list counts, whatever its name, and so do the sets of failed jobs."""
        client = server.client
        queued = [client.llen(name) for name in client.scan_iter(_type="list")]
        failed = [client.zcard(name) for name in _JOB_SETS]
        return sum(queued) + sum(failed)

    def _payload(self, number: int) -> bytes:
        """The fields that Sidekiq itself writes, in its order."""
        return msgspec.json.encode(
            {
                "retry": True,
                "queue": "default",
                "class": self.job_class,
                "args": [number],
                "jid": f"{number:024x}",
                "created_at": 1770000000.123456,
                "enqueued_at": 1770000000.123567,
            }
        )
