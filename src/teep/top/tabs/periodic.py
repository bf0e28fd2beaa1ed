"""Periodic jobs: when each is due, how its last runs went, and what is done to it."""

from collections.abc import Sequence
from datetime import datetime

from teep.api.fleet.processes import AsyncProcessSet
from teep.api.periodic import AsyncPeriodicEntry, AsyncPeriodicSet
from teep.errors import InvalidSchedule
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import arguments, plain, relative, span, stamp
from teep.top.lists.verbs import Progress, Verb, each, each_of
from teep.top.lists.views import Tab, View
from teep.top.tabs.tab import facts, paged


class Periodic(Tab):
    name, title = "periodic", "Periodic"
    nouns = ("periodic job", "periodic jobs")
    empty = "There are no periodic jobs."
    columns = (
        Column("name", 26), Column("next", 10), Column("state", 8), Column("schedule"), Column("class", 26, 2),
        Column("last", 10, 1),
    )  # fmt: skip

    async def is_used(self) -> bool:
        return bool(await AsyncPeriodicSet(config=self.config).size())

    async def read(self, view: View) -> Listing:
        entries = [entry async for entry in AsyncPeriodicSet(config=self.config)]
        leader = await AsyncProcessSet(clean=False, config=self.config).leader()
        told = "periodic jobs" if leader else "periodic jobs · no worker leads now, so none is fired"
        return paged([_row(entry) for entry in entries], view, told)

    def verbs(self, view: View) -> Sequence[Verb]:
        row = view.row
        is_paused = row is not None and not view.chosen and row.thing.paused
        return (
            RESUME if is_paused else PAUSE,
            Verb("E", "enqueue now", ("is enqueued", "are enqueued"), _enqueue, asks="Enqueue {what} now",
                 note="Beside the schedule."),
            Verb("D", "delete", ("is deleted", "are deleted"), each_of("delete"),
                 note="One that code declares comes back at once."),
        )  # fmt: skip

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as of every tab
        entry: AsyncPeriodicEntry = row.thing
        words, last_at, upcoming = _told(entry)
        pairs = [
            ("schedule", plain(entry.schedule)),
            ("which is", words),
            ("class", plain(entry.klass)),
            ("arguments", arguments(entry.args)),
            ("queue", plain(entry.queue)),
            ("declared", "in code or a file" if entry.source == "static" else "through the data API"),
            ("description", plain(entry.description)),
            ("overlap", entry.overlap),
            ("catch up", entry.catch_up),
            ("grace", span(entry.grace)),
            ("last tick", stamp(last_at)),
        ]
        lines = [Line(plain(entry.name), "title"), *facts(pairs), Line(), Line("next", "label")]
        lines += [Line(stamp(at), indent=2) for at in upcoming] or [Line("none", indent=2)]
        runs = await entry.history()
        lines += [Line(), Line("last runs", "label")]
        return lines + [
            Line(f"{run.queued_at:%Y-%m-%d %H:%M:%S}  {plain(run.state):<10}  {plain(run.jid)}") for run in runs
        ]


def _row(entry: AsyncPeriodicEntry) -> Row:
    words, last_at, upcoming = _told(entry)
    cells = (
        plain(entry.name), relative(upcoming[0]) if upcoming else "", "paused" if entry.paused else "", words,
        plain(entry.klass), relative(last_at),
    )  # fmt: skip
    return Row(entry.name, cells, entry, "warn" if entry.paused else "")


def _told(entry: AsyncPeriodicEntry) -> tuple[str, datetime | None, list[datetime]]:
    """Return a schedule in words, its last tick, and its next ones; of one that this machine cannot read, why."""
    try:
        return plain(entry.explain()), entry.last_at, entry.next_runs(5)
    except InvalidSchedule as error:
        return plain(f"{entry.schedule} ({error})"), None, []


async def _enqueue(entries: Sequence[AsyncPeriodicEntry], told: Progress, _: str) -> int:
    async def one(entry: AsyncPeriodicEntry) -> bool:
        return await entry.enqueue_now() is not None  # else it was kept out

    return await each(entries, one, told)


PAUSE = Verb("p", "pause", ("is paused", "are paused"), each_of("pause"), is_asked=False, counts=False)
RESUME = Verb("p", "resume", ("goes on", "go on"), each_of("unpause"), is_asked=False, counts=False)
