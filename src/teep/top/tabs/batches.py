"""Batches: what became of the jobs of each, and what is done to it."""

from collections.abc import Sequence
from typing import get_args

from teep.api.batches import AsyncBatchSet, AsyncBatchStatus
from teep.api.batches.fields import State
from teep.api.jobs.selection import words
from teep.api.jobs.selection.words import Parsed
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, relative, stamp
from teep.top.lists.verbs import Progress, Verb, each_of, together
from teep.top.lists.views import Goto, Tab, View
from teep.top.tabs import searching
from teep.top.tabs.tab import facts

COLUMNS = (
    Column("made", 10), Column("state", 10), Column("done", 15), Column("jobs", 10, right=True),
    Column("failing", 8, 1, right=True), Column("dead", 8, right=True), Column("what"), Column("bid", 24, 3),
)  # fmt: skip
_BAR = 8
_STATES = tuple(state for state in get_args(State) if state != "unknown")
_STYLES = {
    "dead": "bad",
    "failed": "bad",
    "invalid": "warn",
    "cancelled": "warn",
    "finished": "warn",
    "success": "good",
}


class Batches(Tab):
    name, title = "batches", "Batches"
    nouns = ("batch", "batches")
    empty = "There are no batches."
    columns = COLUMNS

    async def is_used(self) -> bool:
        return bool(await self._every().size())

    def parsed(self, text: str) -> Parsed:
        return searching.parse(text, self._every())

    def words(self, view: View) -> list[str]:
        return searching.offered(view.rows, _STATES)

    async def read(self, view: View) -> Listing:
        return await searching.sought(self._every(), view, _row, "batches")

    def _every(self) -> AsyncBatchSet:
        return AsyncBatchSet(clean=False, config=self.config)

    def verbs(self, view: View) -> Sequence[Verb]:  # noqa: ARG002 - the same whatever is seen
        return (
            Verb("R", "retry failed jobs of", ("job went to its queue", "jobs went to their queues"), _retry,
                 counts=False),
            Verb("K", "skip", ("is skipped", "are skipped"), each_of("invalidate_all"),
                 note="Workers skip the jobs that have not begun."),
            Verb("D", "forget", ("is forgotten", "are forgotten"), each_of("delete"),
                 note="Jobs of a batch go on without it."),
        )  # fmt: skip

    def enter(self, row: Row, view: View) -> Goto | None:  # noqa: ARG002 - as of every tab
        status: AsyncBatchStatus = row.thing
        where = "retries" if status.failures > status.dead else "dead" if status.dead else ""
        return Goto(where, words.written("bid", status.bid)) if where else None

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as above
        status: AsyncBatchStatus = row.thing
        return [Line(row.cells[6] or "a batch", "title"), *await batch_lines(status)]

    def copied(self, row: Row) -> tuple[str, str]:
        return "bid", row.key


def row_of(status: AsyncBatchStatus, state: str, name: str) -> Row:
    """Return a batch as a row, or a workflow, which has a name and a state of its own."""
    done = min(max(status.progress, 0.0), 1.0)
    bar = "█" * round(done * _BAR) + "░" * (_BAR - round(done * _BAR))
    cells = (
        relative(status.created_at),
        state,
        f"{bar} {done:>4.0%}",
        number(status.total),
        number(max(status.failures - status.dead, 0)),
        number(status.dead),
        plain(name or status.description or ", ".join(map(str, status.tags))),
        status.bid,
    )
    return Row(status.bid, cells, status, _STYLES.get(state, ""))


def _row(status: AsyncBatchStatus) -> Row:
    return row_of(status, status.state, "")


async def batch_lines(status: AsyncBatchStatus) -> list[Line]:
    """Return the facts of a batch, and some of its failed jobs."""
    pairs = [
        ("bid", status.bid),
        ("tags", plain(", ".join(map(str, status.tags)))),
        ("jobs", number(status.total)),
        ("pending", number(status.pending)),
        ("failing", number(max(status.failures - status.dead, 0))),
        ("dead", number(status.dead)),
        ("discarded", number(status.discarded)),
        ("parent", status.parent or ""),
        ("made", stamp(status.created_at)),
        ("finished", stamp(status.finished_at)),
    ]
    lines = facts(pairs)
    for event, callbacks in status.callbacks.items():
        lines += [
            Line(f"on {event}: {plain(one.klass)} {'pushed' if one.fired_at else 'waits'}") for one in callbacks
        ]
    seen = await status.glimpse()
    for what, names in (("dead jobs", seen.dead), ("failing jobs", seen.failed), ("children", seen.children)):
        if names:
            lines += [Line(), Line(what, "label"), *(Line(plain(name), indent=2) for name in names)]
    return lines


async def _retry(statuses: Sequence[AsyncBatchStatus], told: Progress, _: str) -> int:
    return await together(statuses, lambda status: status.retry_failed(on_progress=told), told)
