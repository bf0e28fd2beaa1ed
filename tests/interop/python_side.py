"""A teep worker as a process of its own, which works the queues beside real Sidekiq."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import teep
from tests.support.waiting import wait_until

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 30.0
_END_SECONDS = 30.0


class PythonTeep:
    """A process that runs `jobs` and `kinds`, seen in `processes` when this returns.

    A context manager, which stops it. Its heartbeat and its poller for due jobs are quicker than teep's own, see
    `worker_program`.
    """

    def __init__(
        self,
        url: str,
        queues: Sequence[str] = ("default",),
        concurrency: int = 2,
        *,
        timestamps: Literal["seconds", "milliseconds"] = "seconds",
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.interop.worker_program", timestamps, str(concurrency), *queues],
            cwd=_ROOT,
            env=os.environ | {"TEEP_REDIS_URL": url, "PYTHONPATH": str(Path(teep.__file__).parents[1])},
            stdout=self._log,
            stderr=self._log,
        )
        try:
            self.identity = self._await_identity(url)
            """Its member of `processes`."""
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has logged so far (the first megabyte)."""
        return os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        return self._process.wait(_END_SECONDS)

    def stop(self) -> None:
        """Stop it in an orderly way (TERM), and return when it has ended. Idempotent."""
        if self._log.closed:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            print(f"--- log of teep {self._process.pid}\n{self.log}")
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _await_identity(self, url: str) -> str:
        processes = teep.ProcessSet(clean=False, config=teep.Config(redis_url=url))

        def identity() -> str | None:
            if self._process.poll() is not None:
                raise RuntimeError(f"teep has ended with {self._process.returncode}; its log:\n{self.log}")
            return next((process.identity for process in processes if process.pid == self.pid), None)

        return str(wait_until(identity, _START_SECONDS, lambda: f"a heartbeat of teep; its log:\n{self.log}"))
