"""A system: a program that runs jobs, how its jobs are pushed, and where it keeps them."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.environments import executable
from bench.errors import BenchError
from bench.marks import ENVIRONMENT_VARIABLE, Marks
from bench.process import Process

_ROOT = Path(__file__).parent.parent
_PUSH_SECONDS = 300.0
SIDEKIQ_KEYS = ("queue:*", "{queue:*", "bench:inflight", "retry", "schedule", "dead")


@dataclass(frozen=True, slots=True)
class System:
    """A system, as a measure uses it.

    1. `command` runs it, with "{concurrency}" and "{url}" filled in; its first word is a program of `environment`,
       the virtual environment of a peer, or if that is None, of this environment or the computer.
    2. `pusher` is the module that pushes its jobs; `client` the one whose pushes are measured, if any.
    3. `keys` are patterns of the Redis keys that hold its jobs until they are acknowledged.
    4. `share` is the part of a measure's jobs that it gets, so that a slow system takes no longer than others.
    """

    name: str
    command: Sequence[str]
    pusher: str = "bench.systems.lpush"
    client: str | None = None
    environment: str | None = None
    keys: Sequence[str] = SIDEKIQ_KEYS
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    share: float = 1.0
    lines_a_job: int = 0

    def start(self, url: str, marks: Marks, log: Path, concurrency: int = 10) -> Process:
        """Starts the system on the Redis at `url`."""
        program, *arguments = (word.format(concurrency=concurrency, url=url) for word in self.command)
        return Process((self._path(program), *arguments), self._env(url, marks) | _concurrency(concurrency), log)

    def push(self, url: str, marks: Marks, job: str, numbers: range, *args: int) -> None:
        """Pushes jobs with these numbers, and further arguments, as fast as its client can."""
        self._push(self.pusher, "bulk", url, marks, (0.0, job, numbers, *args))

    def push_singly(self, url: str, marks: Marks, job: str, numbers: range, pause: float) -> Sequence[int]:
        """Pushes one by one with a pause (seconds) after each; returns when each push began, in nanoseconds."""
        return self._push(self.pusher, "one", url, marks, (pause, job, numbers))[:-1]

    def push_seconds(self, how: str, url: str, marks: Marks, numbers: range) -> float:
        """How long its measured client takes for no-op jobs: "bulk", or "one" by one."""
        began, *_, ended = self._push(self.client or self.pusher, how, url, marks, (0.0, "noop", numbers))
        return (ended - began) / 1e9

    def prepare(self) -> None:
        """Makes its environment. Raises BenchError if that can't be done."""
        self._path("python")

    def _push(
        self, module: str, how: str, url: str, marks: Marks, what: tuple[float, str, range, *tuple[int, ...]]
    ) -> list[int]:
        pause, job, numbers, *args = what
        words = map(str, (how, pause, job, numbers.start, numbers.stop, *args))
        command = (self._path("python"), "-m", "bench.systems.push", module, *words)
        env = Process.environment(self._env(url, marks))
        done = subprocess.run(
            command, check=False, cwd=_ROOT, env=env, capture_output=True, text=True, timeout=_PUSH_SECONDS
        )
        if done.returncode:
            raise BenchError(f"its client failed:\n{done.stderr[-2000:]}")
        moments: list[int] = json.loads(done.stdout.splitlines()[-1])
        return moments

    def _env(self, url: str, marks: Marks) -> dict[str, str]:
        return {"REDIS_URL": url, ENVIRONMENT_VARIABLE: str(marks.path), **self.env}

    def _path(self, program: str) -> str:
        if self.environment is not None:
            return str(executable(self.environment, program))
        return sys.executable if program == "python" else program


def _concurrency(concurrency: int) -> dict[str, str]:
    """Variables for systems that read the concurrency from their configuration, not from the command line."""
    return {"BENCH_CONCURRENCY": str(concurrency)}
