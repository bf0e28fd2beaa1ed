"""A side's process, asked over its standard input."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.process import Process

TEEP = "teep"
COUNTING = "teep-counting"
RUBY = "ruby-sidekiq"
_TEEP = (sys.executable, "-m", "bench.systems.teep_api")
_PROGRAMS = {
    TEEP: _TEEP,
    COUNTING: (*_TEEP, "count"),
    RUBY: ("ruby", str(Path(__file__).parent.parent / "systems" / "api.rb")),
}
_ANSWER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The time of an operation (seconds), its result, and its round trips if they are counted."""

    seconds: float
    result: Any
    round_trips: int = 0


class Side(Process):
    """The program of one side, `TEEP` or `RUBY`, on the Redis at `url`; `COUNTING` counts teep's round trips."""

    def __init__(self, name: str, url: str, directory: Path) -> None:
        super().__init__(_PROGRAMS[name], {"REDIS_URL": url}, directory / f"{name}.log", talks=True)

    def prepare(self, operation: str, args: Sequence[Any], repeat: int = 1) -> None:
        """Let it prepare an operation.

        Raises BenchError, as `run` does, if it ends, or takes more than 120 s.
        """
        self._write(json.dumps({"operation": operation, "args": args, "repeat": repeat}))
        self._read()

    def run(self) -> Answer:
        """Let it carry out the prepared operation; the seconds are those of one repetition."""
        self._write("go")
        return Answer(**json.loads(self._read()))

    def _write(self, line: str) -> None:
        pipe = self._popen.stdin
        assert pipe is not None
        try:
            pipe.write(line.encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            self._raise_ended()

    def _read(self) -> bytes:
        return self.read_line(_ANSWER_SECONDS)
