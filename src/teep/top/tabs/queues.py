"""Queues: each with its size, latency and what holds it; and the jobs of one."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from teep.api import (
    AsyncJobRecord,
    AsyncProcessSet,
    AsyncQueue,
    AsyncQueueSelection,
    AsyncStats,
    QueueSummary,
)
from teep.config import Config
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, span
from teep.top.lists.verbs import Progress, Verb, each
from teep.top.lists.views import Tab, View
from teep.top.tabs.jobs.job import args_of, detail_of, rows_of, waited
from teep.top.tabs.jobs.jobsets import DELETE, KILL, Jobs, found_note
from teep.top.tabs.tab import SEARCH_SECONDS, SIZE, Rows, facts, paged

_GROUPED = 2_000
"""Up to so many jobs a detail groups them by class."""


class Queues(Tab):
    name, title = "queues", "Queues"
    nouns = ("queue", "queues")
    empty = "There are no queues: nothing was pushed yet."
    columns = (
        Column("queue"),
        Column("size", 14, right=True),
        Column("latency", 9, right=True),
        Column("state", 18),
        Column("threads", 8, 1, right=True),
    )

    async def read(self, view: View) -> Listing:
        summaries, threads = await asyncio.gather(
            AsyncStats(config=self.config).queue_summaries(), served(self.config)
        )
        return paged(Rows(summaries, lambda one: _row(one, threads[one.name])), view, "queues")

    def verbs(self, view: View) -> Sequence[Verb]:
        row = view.row
        is_paused = row is not None and not view.chosen and row.thing.paused
        return (self._unpause() if is_paused else self._pause()), self._delete()

    def enter(self, row: Row, view: View) -> "QueueJobs":  # noqa: ARG002 - as of every tab
        return QueueJobs(self.config, row.thing.name)

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as above
        summary: QueueSummary = row.thing
        lines = [
            Line(plain(summary.name), "title"),
            *facts(
                [
                    ("size", number(summary.size)),
                    ("latency", span(summary.latency) if summary.size else ""),
                    ("state", row.cells[3]),
                    ("threads", row.cells[4]),
                ]
            ),
        ]
        if 0 < summary.size <= _GROUPED:
            groups = await AsyncQueue(summary.name, config=self.config).groups()
            lines += [Line(), Line("its jobs by class", "label")]
            lines += facts([(number(group.count), plain(group.klass)) for group in groups[:50]])
        return lines

    def _pause(self) -> Verb:
        note = "Workers take no jobs from it any more; pushes go on."
        return Verb("p", "pause", ("is paused", "are paused"), self._each("pause"), note=note, is_asked=False)

    def _unpause(self) -> Verb:
        done = "is served again", "are served again"
        return Verb("p", "unpause", done, self._each("unpause"), is_asked=False)

    def _delete(self) -> Verb:
        return Verb(
            "D", "delete", ("is deleted with all jobs", "are deleted with all jobs"), self._each("clear"),
            note="Nothing brings the jobs back.", weigh=lambda things: sum(thing.size for thing in things),
            unit=("job waits there", "jobs wait there"),
        )  # fmt: skip

    def _each(self, verb: str) -> Any:
        async def one(summary: QueueSummary) -> None:
            await getattr(AsyncQueue(summary.name, config=self.config), verb)()

        return lambda summaries, told, _: each(summaries, one, told)


class QueueJobs(Jobs):
    """The jobs of one queue, the next to run first."""

    name, title = "queues", "Queues"
    empty = "No job waits here."
    columns = (Column("waits", 8), Column("class", 28), Column("jid", 24, 2), Column("arguments"))
    modes = ("next first", "newest first")

    def __init__(self, config: Config, queue: str) -> None:
        super().__init__(config)
        self.queue = queue

    @property
    def path(self) -> str:
        return f"Queues › {plain(self.queue)}"

    def jobs(self) -> AsyncQueue:
        return AsyncQueue(self.queue, config=self.config)

    async def page(self, view: View) -> Any:
        is_reversed = self.modes[view.mode] == "newest first"
        return await self.selection(view).page(SIZE, after=view.place, reverse=is_reversed, seconds=SEARCH_SECONDS)

    async def read(self, view: View) -> Listing:
        page = await self.page(view)
        return Listing(rows_of(page.items, self.cells), found_note(view, page, "jobs"), page.next)

    def cells(self, record: AsyncJobRecord) -> tuple[str, ...]:
        """Return what is shown of a job."""
        return waited(record), plain(record.display_class), plain(record.jid), args_of(record)

    def verbs(self, view: View) -> Sequence[Verb]:  # noqa: ARG002 - the same whatever is seen
        return KILL, DELETE, MOVE

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as above
        return detail_of(row.thing, f"waits in {plain(self.queue)}")


async def served(config: Config) -> Counter[str]:
    """Return how many threads serve each queue, in processes that take jobs."""
    threads = Counter[str]()
    async for process in AsyncProcessSet(clean=False, config=config):
        if not process.stopping:
            for queue, own in process.threads.items():
                threads[queue] += max(own, 1)
    return threads


def _row(one: QueueSummary, threads: int) -> Row:
    state = "paused" if one.paused else "" if threads else "nobody serves it"
    latency = span(one.latency) if one.size else ""
    style = "warn" if one.paused or (state and one.size) else ""
    return Row(one.name, (plain(one.name), number(one.size), latency, state, number(threads)), one, style)


async def _move(records: Sequence[AsyncJobRecord], told: Progress, to: str) -> int:
    return await each(records, lambda record: record.move_to(to), told)


async def _move_all(selection: AsyncQueueSelection, told: Progress, to: str) -> int:
    return await selection.move_to(to, on_progress=told)


MOVE = Verb(
    "", "move to another queue", ("is moved", "are moved"), _move, _move_all,
    asks="Move {what} to {text}", prompt="to which queue?",
)  # fmt: skip
