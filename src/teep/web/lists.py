"""What a list of jobs shows: a page by cursor, its filter, and rows that render whatever lies in Redis."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request

from teep.api import AsyncJobRecord, AsyncJobSet, AsyncQueue, AsyncSortedEntry, CursorPage, Place
from teep.api.jobs.selection import words
from teep.api.jobs.selection.bounds import SEARCH_SECONDS
from teep.api.jobs.selection.words import Parsed
from teep.web import urls
from teep.web.guard.access import Access
from teep.web.rendering import printable, visit_of

SIZES = (25, 50, 100)
"""How many rows a page may have."""

MOST_SHOWN = 4_000
"""Characters of one job's arguments in a list; its own page has them all."""

_SIMPLE = re.compile(r"[A-Za-z0-9_]{1,100}")
# Characters of a word that is offered, and of a queue's name that a list links to.
_OFFERED, _LINKED = 200, 500
_PLACE = re.compile(r"(-?[0-9.e+\-]{1,30}|-?inf)_([0-9]{1,15})")


class Record(Protocol):
    """What is shown of a job, wherever it lies."""

    @property
    def display_args(self) -> list[Any]: ...


def arguments_of(access: Access, record: Record) -> str | None:
    """Return the arguments of a job as this visitor may see them; None: not at all."""
    if access.arguments == "hide":
        return None
    shown = record.display_args if access.arguments == "show" else access.arguments(record)
    if not isinstance(shown, list):
        return printable(str(shown))
    return printable(", ".join(json.dumps(value, ensure_ascii=False, default=str) for value in shown))


@dataclass(frozen=True)
class Row:
    """A job in a list. `key` names it in paths and forms; `at` is its time, None if that is beyond the calendar."""

    key: str
    at: datetime | None
    klass: str
    jid: str
    queue: str
    queue_path: str
    arguments: str | None
    tags: Sequence[str]
    error_class: str
    error_message: str
    retry_count: int | None
    is_job: bool


def row_of(entry: AsyncSortedEntry, access: Access) -> Row:
    """Return what is shown of an entry of a set."""
    return row(entry, access, key_of(entry), entry.at)


def row(record: AsyncJobRecord | AsyncSortedEntry, access: Access, key: str, at: datetime | None) -> Row:
    """Return what is shown of a job, with the key that names it here, and its time.

    What any producer may have put into a field is a string at the most.
    """
    arguments = arguments_of(access, record)
    return Row(
        key=key,
        at=at,
        klass=printable(record.display_class),
        jid=printable(record.jid),
        queue=printable(record.queue),
        queue_path=f"queues/{urls.to_path(record.queue)}" if len(record.queue) <= _LINKED else "queues",
        arguments=arguments if arguments is None else arguments[:MOST_SHOWN],
        tags=[printable(str(tag)) for tag in record.tags],
        error_class=_text(record.error_class),
        error_message=_text(record.error_message),
        retry_count=record.retry_count,
        is_job=record.is_job,
    )


def key_of(entry: AsyncSortedEntry) -> str:
    """Return what names an entry: its score and jid, as Sidekiq's pages have it, or its digest for another's jid."""
    return f"{entry.score!r}-{name_of(entry)}"


def name_of(record: AsyncJobRecord | AsyncSortedEntry) -> str:
    """Return what of a key names the job: its jid, or its digest if that is no plain word."""
    return record.jid if _SIMPLE.fullmatch(record.jid) else record.digest


async def entry_of(jobset: AsyncJobSet, key: str) -> AsyncSortedEntry | None:
    """Return the entry that a key names; None where there is none, or no more."""
    score, _, name = key.rpartition("-")
    try:
        return await jobset.entry(float(score), name)
    except ValueError:
        return None


@dataclass(frozen=True)
class Listing:
    """A page of a set as a template shows it."""

    rows: Sequence[Row]
    page: CursorPage[Any]
    filter: Parsed
    size: int
    here: Mapping[str, Any]
    """The query of this very page."""
    suggestions: Sequence[str]
    """Words of a filter that suit what is shown."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the page's query says besides."""

    @property
    def is_empty(self) -> bool:
        """Whether the set holds nothing at all."""
        return self.page.total == 0

    def after(self) -> dict[str, Any]:
        """Return the query of the page that follows."""
        return self._at(after=self.page.next)

    def before(self) -> dict[str, Any]:
        """Return the query of the page before."""
        return self._at(before=self.page.previous)

    def first(self) -> dict[str, Any]:
        """Return the query of the first page."""
        return self._at()

    def _at(self, **places: Place | None) -> dict[str, Any]:
        written = {name: None if place is None else _written(place) for name, place in places.items()}
        size = None if self.size == SIZES[0] else self.size
        return {"q": self.filter.text or None, "count": size, **self.extra, **written}


async def read_listing(
    request: Request,
    jobs: AsyncJobSet | AsyncQueue,
    row: Callable[[Any, Access], Row] = row_of,
    *,
    reverse: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> Listing:
    """Read the page of a set or queue that a request asks for. One round trip, and some more in a search.

    `extra` is what the page's query says besides, such as what `reverse` was told by.
    """
    query = request.query_params
    access = visit_of(request).access
    parsed = words.parse(query.get("q", query.get("substr", "")), arguments=access.sees_arguments)
    asked = urls.integer(query, "count", range(1, 101), SIZES[0])
    size = next(size for size in SIZES if asked <= size)
    after, before = _place(query.get("after", "")), _place(query.get("before", ""))
    if parsed.problems:
        page: CursorPage[Any] = CursorPage([], await jobs.size(), 0, 0, None, None, complete=True)
    else:
        page = await jobs.where(**parsed.conditions).page(
            size, after=after, before=before, reverse=reverse, seconds=SEARCH_SECONDS
        )
    rows = [row(entry, access) for entry in page.items]
    kept = {name: query[name] for name in ("q", "count", "after", "before") if name in query}
    extra = dict(extra or {})
    return Listing(rows, page, parsed, size, kept | extra, _suggestions(rows), extra)


def _suggestions(rows: Sequence[Row]) -> list[str]:
    """Return the filter words for what the rows hold, most frequent first."""
    found: dict[str, int] = {}
    for row in rows:
        fields = [("class", row.klass), ("error", row.error_class), ("queue", row.queue)]
        for name, value in (*fields, *(("tag", tag) for tag in row.tags)):
            if value and len(value) <= _OFFERED:
                word = words.written(name, value)
                found[word] = found.get(word, 0) + 1
    frequent = sorted(found, key=lambda word: -found[word])
    return [*frequent[:40], *(f"{name}:" for name in words.NAMES)]


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    try:
        return None if found is None else Place(float(found[1]), int(found[2]))
    except ValueError:
        return None


def _written(place: Place) -> str:
    return f"{place.score!r}_{place.behind}"


def _text(value: Any) -> str:
    return "" if value is None else printable(str(value))
