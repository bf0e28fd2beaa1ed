"""Scheduled, Retries and Dead: their jobs by pages, found by the web page's words."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from teep.api import AsyncDeadSet, AsyncJobSet, AsyncRetrySet, AsyncScheduledSet, AsyncSortedEntry
from teep.api.jobs.selection import words
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, relative, stamp
from teep.top.lists.verbs import Progress, Verb, all_of, each_of
from teep.top.lists.views import Tab, View
from teep.top.tabs.jobs.job import args_of, detail_of, error_of, rows_of
from teep.top.tabs.tab import SEARCH_SECONDS, SIZE

_OFFERED = 200
"""Characters of a word that is offered."""

RETRY = Verb("R", "retry", ("went to its queue", "went to their queues"), each_of("retry"), all_of("retry_all"))
ENQUEUE = RETRY._replace(key="E", name="enqueue", some=each_of("add_to_queue"), every=all_of("add_all_to_queue"))
KILL = Verb(
    "K", "kill", ("is dead", "are dead"), each_of("kill"), all_of("kill_all"), note="What is killed waits in Dead."
)
DELETE = Verb(
    "D", "delete", ("is deleted", "are deleted"), each_of("delete"), all_of("delete_all"),
    note="Nothing brings back what is deleted.",
)  # fmt: skip


def found_note(view: View, page: Any, what: str) -> str:
    """Return what a page is of: where it lies in the whole, or how far a search came."""
    total = f"{page.total:,} {what}"
    if view.filter.is_any:
        first = page.position + 1 if page.items else 0
        return f"{first:,}–{page.position + len(page.items):,} of {total}"
    if page.complete or page.next is None:
        return f"{len(page.items):,} on this page match, of {total}"
    return f"{len(page.items):,} match; {page.position + page.looked_at:,} of {total} searched, l goes on"


class Jobs(Tab):
    """A list of jobs that can be filtered."""

    is_filtered = True

    @abstractmethod
    def jobs(self) -> Any:
        """Return the set or queue."""

    def selection(self, view: View) -> Any:
        return self.jobs().where(**view.filter.conditions)

    async def count(self, view: View, told: Progress) -> int:
        if view.filter.is_any:
            return int(await self.jobs().size())
        return int(await self.selection(view).delete_all(dry_run=True, on_progress=told))

    async def page(self, view: View) -> Any:
        """Read the page that a view asks for."""
        selection = self.selection(view)
        return await selection.page(SIZE, after=view.place, seconds=SEARCH_SECONDS)

    def words(self, view: View) -> list[str]:
        found = Counter[str]()
        for row in view.rows:
            job = row.thing
            fields = [("class", job.display_class), ("error", job.error_class), ("queue", job.queue)]
            for name, value in (*fields, *(("tag", tag) for tag in job.tags)):
                if isinstance(value, str) and value and len(value) <= _OFFERED:
                    found[words.written(name, plain(value))] += 1
        return [*(word for word, _ in found.most_common(40)), *(f"{name}:" for name in words.NAMES)]

    def raw(self, row: Row) -> bytes | None:
        return bytes(row.thing.raw)

    def copied(self, row: Row) -> tuple[str, str]:
        return "jid", row.thing.jid


class _JobSet(Jobs):
    made: ClassVar[Callable[..., AsyncJobSet]]
    when: ClassVar[str]
    """What the time of a job is called here."""
    done: ClassVar[Sequence[Verb]]
    """What can be done to its jobs."""

    def jobs(self) -> AsyncJobSet:
        return self.made(config=self.config)

    async def read(self, view: View) -> Listing:
        page = await self.page(view)
        return Listing(rows_of(page.items, self.cells), found_note(view, page, "jobs"), page.next)

    def verbs(self, view: View) -> Sequence[Verb]:  # noqa: ARG002 - the same whatever is seen
        return self.done

    def cells(self, entry: AsyncSortedEntry) -> tuple[str, ...]:
        """Return what is shown of a job."""
        tries = "" if entry.tries is None else number(entry.tries)
        klass, queue = plain(entry.display_class), plain(entry.queue)
        return relative(entry.at), tries, klass, queue, error_of(entry) or args_of(entry)

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as of every tab
        entry: AsyncSortedEntry = row.thing
        return detail_of(entry, self.title.lower(), [(self.when, stamp(entry.at))])


_COLUMNS = (Column("tries", 5, 2, right=True), Column("class", 28), Column("queue", 14, 1), Column("error"))


class Scheduled(_JobSet):
    name, title, when = "scheduled", "Scheduled", "due"
    made = AsyncScheduledSet
    empty = "No job waits for its time."
    done = (ENQUEUE, KILL, DELETE)
    columns = (Column("due", 10), Column("class", 28), Column("queue", 14, 1), Column("arguments"))

    def cells(self, entry: AsyncSortedEntry) -> tuple[str, ...]:
        return relative(entry.at), plain(entry.display_class), plain(entry.queue), args_of(entry)


class Retries(_JobSet):
    name, title, when = "retries", "Retries", "next try"
    made = AsyncRetrySet
    empty = "No job waits for another try."
    done = (RETRY, ENQUEUE, KILL, DELETE)
    columns = (Column("next try", 10), *_COLUMNS)


class Dead(_JobSet):
    name, title, when = "dead", "Dead", "died"
    made = AsyncDeadSet
    empty = "No job is dead."
    done = (RETRY, ENQUEUE, DELETE)
    columns = (Column("died", 10), *_COLUMNS)
