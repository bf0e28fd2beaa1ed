"""Busy: the processes, and the jobs that run in them."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from teep.api import AsyncJobRecord, AsyncProcess, Work
from teep.api.fleet.fleet import AsyncFleet, FleetState
from teep.client import AsyncClient
from teep.config import Config
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, relative, size, span, stamp
from teep.top.lists.verbs import Progress, Verb, each, each_of
from teep.top.lists.views import Tab, View
from teep.top.tabs.job import args_of, detail_of
from teep.top.tabs.queues import queues_of, threads_of
from teep.top.tabs.tab import facts, paged

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
        state = await AsyncFleet(config=self.config).state()
        if self.modes[view.mode] == "jobs":
            return paged(_work_rows(state.work), view, "running jobs")
        return paged(process_rows(state), view, "processes")

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

    async def read(self, view: View) -> Listing:
        state = await AsyncFleet(config=self.config).state()
        return paged(_work_rows([work for work in state.work if work.process_id == self.identity]), view, "jobs")


def process_rows(state: FleetState[AsyncProcess, AsyncJobRecord]) -> list[Row]:
    """Return the processes as rows: those in trouble first, then the busiest."""
    now = datetime.now(UTC)
    rows = [_process_row(process, state.leaders, now) for process in state.processes]
    return sorted(rows, key=lambda row: (row.style != "bad", -row.thing.busy, row.key))


def _process_row(process: AsyncProcess, leaders: Sequence[str], now: datetime) -> Row:
    beat = _moment(process["beat"])
    silent = beat is None or (now - beat).total_seconds() > SILENT
    signs = [
        "SILENT" if silent else "",
        "quiet" if process.stopping else "",
        "leads" if process.identity in leaders else "",
        "embedded" if process.embedded else "",
    ]
    cells = (
        plain(f"{process['hostname'] or ''}:{process['pid'] or ''}"),
        f"{process.busy}/{threads_of(process)}",
        size(max(process.rss, 0) * 1024),
        relative(beat, now),
        ", ".join(filter(None, signs)),
        plain(process["tag"]),
        plain(" ".join(queues_of(process))),
        plain(process["version"]),
    )
    return Row(process.identity, cells, process, "bad" if silent else "muted" if process.stopping else "")


def _process_detail(row: Row) -> list[Line]:
    process: AsyncProcess = row.thing
    labels = process["labels"]
    pairs = [
        ("identity", plain(process.identity)),
        ("state", row.cells[4]),
        ("busy", row.cells[1]),
        ("memory", row.cells[2]),
        ("tag", plain(process["tag"])),
        ("labels", plain(" ".join(map(str, labels))) if isinstance(labels, list) else ""),
        ("version", plain(process["version"])),
        ("started", stamp(_moment(process["started_at"]))),
        ("heartbeat", stamp(_moment(process["beat"]))),
        ("Redis takes", f"{process.rtt_us:,} µs" if process.rtt_us else ""),
        ("late jobs", number(process.late) if process.late else ""),
    ]
    queues = [Line(plain(queue), indent=2) for queue in queues_of(process)[:200]]
    return [Line(row.cells[0], "title"), *facts(pairs), Line(), Line("queues", "label"), *queues]


def _work_rows(works: Sequence[Running]) -> list[Row]:
    rows, seen = [], Counter[str]()
    for work in works:
        job = work.job
        name = job.jid or job.digest
        seen[name] += 1
        key = name if seen[name] == 1 else f"{name} {work.process_id} {work.thread_id}"
        cells = (
            span(work.elapsed), plain(job.display_class), plain(work.queue), _progress(work), plain(work.process_id),
            args_of(job),
        )  # fmt: skip
        rows.append(Row(key, cells, work))
    return rows


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
