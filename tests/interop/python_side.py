"""A teep worker as a process of its own, which works the queues beside real Sidekiq."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import teep
from tests.support.forkserver import QuickWorker

_ROOT = Path(__file__).parents[2]


class PythonTeep(QuickWorker):
    """A process that runs `jobs` and `kinds`, seen in `processes` as `identity` when the context begins.

    Its heartbeat and its poller for due jobs are quicker than teep's own, see `worker_program`.
    """

    identity: str

    def __init__(
        self,
        url: str,
        queues: Sequence[str] = ("default",),
        concurrency: int = 2,
        *,
        timestamps: Literal["seconds", "milliseconds"] = "seconds",
    ) -> None:
        super().__init__(
            timestamps,
            str(concurrency),
            *queues,
            redis_url=url,
            folder=_ROOT,
            environment={"PYTHONPATH": str(Path(teep.__file__).parents[1])},
            command=(sys.executable, "-m", "tests.interop.worker_program"),
        )
        self._processes = teep.ProcessSet(clean=False, config=teep.Config(redis_url=url))

    def __enter__(self) -> Self:
        super().__enter__()
        self.identity = next(process.identity for process in self._processes if process.pid == self.pid)
        return self

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        print(f"--- log of teep {self.pid}\n{self.log}")
