"""Busy: the processes, and the jobs that run in them."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from teep.api import AsyncJobRecord, AsyncProcess, AsyncProcessSet, Work
from teep.api.fleet.fleet import AsyncFleet
from teep.client import AsyncClient
from teep.config import Config
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, relative, size, span, stamp
from teep.top.lists.verbs import Progress, Verb, each, each_of
from teep.top.lists.views import Tab, View
from teep.top.tabs.jobs.job import args_of, detail_of
from teep.top.tabs.tab import Rows, facts, paged

SILENT = 30.0
"""Seconds without a heartbeat after which a process is shown as silent; they come every ten."""

_PROCESSES = (
    Column("process", 26), Column("busy", 9, right=True), Column("memory", 8, 2, right=True), Column("beat", 10),
    Column("state", 24), Column("tag", 16, 4), Column("queues", 0), Column("version", 16, 3),
)  # fmt: skip
_JOBS = (
    Column("runs", 7, right=True), Column("class", 28), Column("queue", 14, 1), Column("progress", 20, 2),
    Column("process", 26, 3), Column("arguments"),
)  # fmt: skip

Running = Work[AsyncJobRecord]


class Busy(Tab):
    name, title = "busy", "Busy"
    nouns = ("process", "processes")
    modes: Sequence[str] = ("processes", "jobs")
    empty = "No worker runs."

    def named(self, view: View) -> tuple[str, str]:
        return ("running job", "running jobs") if self.modes[view.mode] == "jobs" else self.nouns

    def shown(self, view: View) -> Sequence[Column]:
        return _JOBS if self.modes[view.mode] == "jobs" else _PROCESSES

    async def read(self, view: View) -> Listing:
        if self.modes[view.mode] == "jobs":
            return paged(Rows(await self.running(), _work_row), view, "running jobs")
        every = AsyncProcessSet(clean=False, config=self.config)
        found, leaders = await asyncio.gather(_all(every), every.leaders())
        return paged(process_rows(found, leaders), view, "processes")

    async def running(self) -> list[Running]:
        """Return the jobs that it shows."""
        return (await AsyncFleet(config=self.config).state(clean=False)).work

    def verbs(self, view: View) -> Sequence[Verb]:
        if self.modes[view.mode] == "jobs":
            note = "One that runs is told to stop; it is not run again."
            return (Verb("K", "cancel", ("is told to stop", "are told to stop"), self._cancel, note=note),)
        return QUIET, STOP, DUMP

    def enter(self, row: Row, view: View) -> "Tab | None":
        return ProcessJobs(self.config, row.thing.identity) if self.modes[view.mode] == "processes" else None

    async def detail(self, row: Row, view: View) -> list[Line]:
        return _work_detail(row.thing) if self.modes[view.mode] == "jobs" else _process_detail(row)

    def raw(self, row: Row) -> bytes | None:
        return row.thing.job.raw if isinstance(row.thing, Work) else None

    def copied(self, row: Row) -> tuple[str, str]:
        return ("jid", row.thing.job.jid) if isinstance(row.thing, Work) else ("identity", row.thing.identity)

    async def _cancel(self, running: Sequence[Running], told: Progress, _: str) -> int:
        client = AsyncClient(self.config)

        async def one(work: Running) -> None:
            await client.cancel(work.job.jid)

        return await each(running, one, told)


class ProcessJobs(Busy):
    """The jobs that run in one process."""

    modes = ("jobs",)
    empty = "It runs no job."

    def __init__(self, config: Config, identity: str) -> None:
        super().__init__(config)
        self.identity = identity

    @property
    def path(self) -> str:
        return f"Busy › {plain(self.identity)}"

    async def running(self) -> list[Running]:
        return [work for work in await super().running() if work.process_id == self.identity]


def process_rows(processes: Sequence[AsyncProcess], leaders: Sequence[str]) -> Sequence[Row]:
    """Return the processes as rows: those in trouble first, then the busiest."""
    now = datetime.now(UTC)
    silent = _silent(now.timestamp())
    ordered = sorted(processes, key=lambda process: (not silent(process), -process.busy, process.identity))
    return Rows(ordered, lambda process: _process_row(process, leaders, now, silent=silent(process)))


def _silent(now: float) -> Callable[[AsyncProcess], bool]:
    """Return what tells whether a process has not sent a heartbeat for too long; also of a beat that is no number."""
    return lambda process: not now - process["beat"] <= SILENT


async def _all(every: AsyncProcessSet) -> list[AsyncProcess]:
    return [process async for process in every]


def _process_row(process: AsyncProcess, leaders: Sequence[str], now: datetime, *, silent: bool) -> Row:
    beat = _moment(process["beat"])
    signs = [
        "SILENT" if silent else "",
        "quiet" if process.stopping else "",
        "leads" if process.identity in leaders else "",
        "embedded" if process.embedded else "",
    ]
    cells = (
        plain(f"{process['hostname'] or ''}:{process['pid'] or ''}"),
        f"{process.busy}/{process.concurrency}",
        size(max(process.rss, 0) * 1024),
        relative(beat, now),
        ", ".join(filter(None, signs)),
        plain(process["tag"]),
        plain(" ".join(process.queues)),
        plain(process["version"]),
    )
    return Row(process.identity, cells, process, "bad" if silent else "muted" if process.stopping else "")


def _process_detail(row: Row) -> list[Line]:
    process: AsyncProcess = row.thing
    pairs = [
        ("identity", plain(process.identity)),
        ("state", row.cells[4]),
        ("busy", row.cells[1]),
        ("memory", row.cells[2]),
        ("tag", plain(process["tag"])),
        ("labels", plain(" ".join(map(str, process.labels)))),
        ("version", plain(process["version"])),
        ("started", stamp(_moment(process["started_at"]))),
        ("heartbeat", stamp(_moment(process["beat"]))),
        ("Redis takes", f"{process.rtt_us:,} µs" if process.rtt_us else ""),
        ("late jobs", number(process.late) if process.late else ""),
    ]
    queues = [Line(plain(queue), indent=2) for queue in process.queues[:200]]
    return [Line(row.cells[0], "title"), *facts(pairs), Line(), Line("queues", "label"), *queues]


def _work_row(work: Running) -> Row:
    job = work.job
    cells = (
        span(work.elapsed), plain(job.display_class), plain(work.queue), _progress(work), plain(work.process_id),
        args_of(job),
    )  # fmt: skip
    # A jid alone may stand there twice: a job that was rescued runs in two processes.
    return Row(f"{job.jid or job.digest} {work.process_id} {work.thread_id}", cells, work)


def _work_detail(work: Running) -> list[Line]:
    more = [
        ("process", plain(work.process_id)),
        ("thread", plain(work.thread_id)),
        ("runs for", span(work.elapsed)),
        ("progress", _progress(work)),
    ]
    return detail_of(work.job, "running", more)


def _progress(work: Running) -> str:
    told = work.progress
    return "" if told is None else f"{told.done:.0%} {plain(told.note)}".rstrip()


def _moment(seconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (TypeError, OverflowError, ValueError, OSError):
        return None


def _takes_signals(process: AsyncProcess) -> bool:
    return not process.embedded


QUIET = Verb(
    "Q", "quiet", ("is told to take no more jobs", "are told to take no more jobs"), each_of("quiet"),
    note="Only a restart undoes this.", fits=_takes_signals,
)  # fmt: skip
STOP = Verb(
    "T", "stop", ("is told to stop", "are told to stop"), each_of("stop"), fits=_takes_signals,
    note="A process that is stopped finishes its jobs within its timeout, and exits.",
)  # fmt: skip
DUMP = Verb(
    "", "log what each thread does", ("is told to log its threads", "are told to log their threads"),
    each_of("dump_threads"), asks="Have {what} log what each thread does", is_asked=False,
)  # fmt: skip
