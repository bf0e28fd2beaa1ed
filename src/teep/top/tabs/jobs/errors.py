"""Errors: what fails, in groups by class, error and message; what is done to a group is done to all of it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from teep.api import AsyncDeadSet, AsyncRetrySet, AsyncSortedEntry, ErrorGroup, ErrorGroups
from teep.api.jobs.selection import words
from teep.config import Config
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, relative, stamp
from teep.top.lists.verbs import Progress, Verb, together
from teep.top.lists.views import Goto, Tab, View
from teep.top.tabs.jobs.job import detail_of
from teep.top.tabs.jobs.jobsets import DELETE, KILL, RETRY
from teep.top.tabs.tab import SEARCH_SECONDS, facts, paged

_FRESH = 5.0
"""Seconds after which all is counted once more; a hundred times as many as that took, if that is more."""

_REST = 100

Found = dict[str, ErrorGroups[AsyncSortedEntry]]
Groups = list[tuple[str, ErrorGroup[AsyncSortedEntry]]]


class Errors(Tab):
    name, title = "errors", "Errors"
    nouns = ("group", "groups")
    empty = "Nothing fails."
    columns = (
        Column("jobs", 10, right=True), Column("in", 8, 2), Column("class", 26), Column("error", 24),
        Column("last", 10, 1), Column("message"),
    )  # fmt: skip

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._sets = {"retries": AsyncRetrySet(config=config), "dead": AsyncDeadSet(config=config)}
        self._shown: Found = {}
        self._counting: Found = {}
        self._took = 0.0
        self._ended = -1e9

    async def read(self, view: View) -> Listing:
        await self._count()
        groups: Groups = [(name, group) for name, found in self._shown.items() for group in found.groups]
        rows = [_row(name, group) for name, group in sorted(groups, key=lambda pair: -pair[1].count)]
        return paged(rows, view, f"groups of failures, {self._told()}")

    async def _count(self) -> None:
        """Count on for a moment, in both sets at once; what was counted to its end stays until the next is."""
        is_over = all(found.complete for found in self._counting.values()) and bool(self._counting)
        if is_over and time.monotonic() - self._ended < max(_FRESH, _REST * self._took):
            return
        if is_over:
            self._counting, self._took = {}, 0.0
        began = time.monotonic()
        counts = (jobs.errors(self._counting.get(name), seconds=SEARCH_SECONDS) for name, jobs in self._sets.items())
        self._counting = dict(zip(self._sets, await asyncio.gather(*counts), strict=True))
        self._ended = time.monotonic()
        self._took += self._ended - began
        complete = all(found.complete for found in self._counting.values())
        if complete or not all(found.complete for found in self._shown.values()) or not self._shown:
            self._shown = self._counting

    def _told(self) -> str:
        looked_at, total = (
            sum(getattr(found, name) for found in self._shown.values()) for name in ("looked_at", "total")
        )
        if looked_at >= total:
            return f"{total:,} jobs"
        return f"{looked_at:,} of {total:,} jobs counted so far"

    def enter(self, row: Row, view: View) -> Goto | None:  # noqa: ARG002 - as of every tab
        name, group = row.thing
        text = None if group.conditions is None else words.of_errors(group.conditions)
        return None if text is None else Goto(name, text)

    def verbs(self, view: View) -> Sequence[Verb]:  # noqa: ARG002 - the same whatever is seen
        return (
            self._verb(RETRY, "retry_all"),
            self._verb(KILL, "kill_all", lambda thing: thing[0] == "retries"),
            self._verb(DELETE, "delete_all"),
        )

    def _verb(self, verb: Verb, method: str, fits: Callable[[Any], bool] = bool) -> Verb:
        """Return a verb for all jobs of a group."""

        async def some(things: Sequence[Any], told: Progress, _: str) -> int:
            async def one(thing: Any) -> int:
                where, group = thing
                done = getattr(self._sets[where].where(**(group.conditions or {})), method)(on_progress=told)
                return int(await done)

            return await together(things, one, told)

        return verb._replace(
            some=some, every=None, note=f"{verb.note} It is done to all jobs that are there then.".lstrip(),
            fits=lambda thing: thing[1].conditions is not None and fits(thing),
            weigh=lambda things: sum(group.count for _, group in things), unit=("job is there", "jobs are there"),
            counts=False,
        )  # fmt: skip

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as above
        name, group = row.thing
        head = [
            ("jobs", f"{number(group.count)} in {name}"),
            ("first", stamp(group.first)),
            ("last", stamp(group.last)),
            ("filter", plain(group.conditions and words.of_errors(group.conditions), 1000)),
        ]
        sample = detail_of(group.sample, name)
        return [
            Line(plain(group.error_class) or "no error", "title"),
            *facts(head),
            Line(),
            Line("the last one", "label"),
            *sample,
        ]

    def raw(self, row: Row) -> bytes | None:
        return bytes(row.thing[1].sample.raw)

    def copied(self, row: Row) -> tuple[str, str]:
        return "jid of the last one", row.thing[1].sample.jid


def _row(name: str, group: ErrorGroup[AsyncSortedEntry]) -> Row:
    message = "(several messages)" if group.message is None else plain(group.message)
    cells = (
        number(group.count), name, plain(group.klass), plain(group.error_class), relative(group.last), message,
    )  # fmt: skip
    return Row(repr((name, *group[:3])), cells, (name, group))
