"""The journal: what really ran, written by the jobs themselves into a file that depends on no server.

Each line is one write to a file opened for appending, so no kill can split it and no line overwrites another.
Moments are in seconds of the monotonic clock, which all processes of a machine share and no one can move.
"""

import itertools
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

VARIABLE = "CHAOS_JOURNAL"
UNENDED = "still there after its job: forked child"
_serial = itertools.count(1)
_run: ContextVar[str] = ContextVar("run")


def begin(number: int, payload: Mapping[str, Any], attempt: int) -> None:
    """Note the start of a run in this process; what follows in its context is about this run."""
    _run.set(f"{os.getpid()}-{next(_serial)}")
    turn = f"{attempt} {payload['enqueued_at']} {payload.get('rescues', 0)}"
    _write("start", _run.get(), f"{number} {payload['jid']} {turn}")


def finish(outcome: str) -> None:
    """Note the end of the run: "done", "failed" as it should, "expired", "skipped" with its batch, "cut" by something
    else, or of an iterable job, "left".
    """
    _write(outcome, _run.get())


def begins_with(item: int) -> None:
    """Note with which item a run of an iterable job begins."""
    _write("from", _run.get(), item)


def did(item: int) -> None:
    """Note that an item is done."""
    _write("did", _run.get(), item)


def saved(item: int) -> None:
    """Note that Redis has confirmed the place of the run."""
    _write("saved", _run.get(), item)


def over() -> None:
    """Note that an iterable job has done all there is to do."""
    _write("over", _run.get())


def tell(what: Mapping[str, Any]) -> None:
    """Note something else of the run, as JSON."""
    _write("told", _run.get(), json.dumps(what))


def remark(text: str) -> None:
    """Note something that this worker has logged."""
    _write("log", f"{os.getpid()}-0", text)


def _write(event: str, run: str, more: object = "") -> None:
    if run.partition("-")[0] != str(os.getpid()):
        return  # the fork of a run: its parent tells what becomes of it
    line = f"{event} {run} {time.monotonic():.6f} {more}".rstrip().replace("\n", " ")
    os.write(_file(), line.encode() + b"\n")


@cache
def _file() -> int:
    return os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


class Step(NamedTuple):
    """An item of an iterable job, and the moment at which it was done, or saved, or begun with."""

    item: int
    at: float


class Told(NamedTuple):
    """What a run has noted of itself besides, as JSON, and when."""

    at: float
    text: str


@dataclass
class Run:
    """One run of one job; `end` and `outcome` are missing where it broke off without a word.

    `outcome` is "done", "failed", "cut", "expired" (it was too late, and did not run), "skipped" (its batch was
    invalid, so it did not run), or "interrupted" (an iterable job that is to go on). `turn` changes whenever the job
    comes into its queue anew, but not when it is put back by a stop or rescued; `rescues` is how often it was that by
    then, as its payload tells.
    """

    number: int
    jid: str
    attempt: int
    pid: int
    start: float
    turn: str = ""
    rescues: int = 0
    end: float | None = None
    outcome: str | None = None
    first: Step | None = None
    did: list[Step] = field(default_factory=list)
    saved: list[Step] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    is_over: bool = False

    @property
    def finished(self) -> bool:
        """Whether it came to its own end, be that a success or its intended failure."""
        return self.outcome in ("done", "failed")

    @property
    def last(self) -> float:
        """When it was last heard of."""
        steps = [step.at for step in (*self.did[-1:], *self.saved[-1:])]
        return self.end or max([self.start, *steps])


@dataclass
class Remark:
    """A warning that a worker has logged."""

    pid: int
    at: float
    text: str


def read(file: Path) -> tuple[list[Run], list[Remark]]:
    """Return every run, by its start, and every remark."""
    return parse(file.read_text("utf-8").splitlines()) if file.exists() else ([], [])


def parse(lines: Iterable[str]) -> tuple[list[Run], list[Remark]]:
    """Return what `read` does, of lines."""
    runs: dict[str, Run] = {}
    remarks: list[Remark] = []
    for line in lines:
        event, run, moment, *rest = line.split(" ", 3)
        pid, at = int(run.partition("-")[0]), float(moment)
        if event == "log":
            remarks.append(Remark(pid, at, rest[0]))
        elif event == "start":
            runs[run] = _started(rest[0], pid, at)
        else:
            _add(runs[run], event, at, rest)
    return sorted(runs.values(), key=lambda run: run.start), remarks


def _started(text: str, pid: int, at: float) -> Run:
    number, jid, attempt, *turn = text.split()
    run = Run(int(number), jid, int(attempt), pid, at)
    if turn:
        run.turn, run.rescues = turn[0], int(turn[1])
    return run


def _add(run: Run, event: str, at: float, rest: list[str]) -> None:
    match event:
        case "from":
            run.first = Step(int(rest[0]), at)
        case "did":
            run.did.append(Step(int(rest[0]), at))
        case "saved":
            run.saved.append(Step(int(rest[0]), at))
        case "told":
            run.told.append(Told(at, rest[0]))
        case "over":
            run.is_over = True
        case "left":
            run.end, run.outcome = at, "done" if run.is_over else "interrupted"
        case _:
            run.end, run.outcome = at, event
