"""The filter of Batches and Workflows: by a tag, by a state, and by a part of what is shown."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from teep.api.batches.listing import Search
from teep.api.jobs.selection import words
from teep.api.jobs.selection.filters import Conditions
from teep.api.jobs.selection.words import Parsed
from teep.clock import monotonic
from teep.errors import TeepError
from teep.top.lists.rows import Listing, Row
from teep.top.lists.text import plain
from teep.top.lists.views import View
from teep.top.tabs.tab import SEARCH_SECONDS, SIZE

_WORD = re.compile(r'(?<!\S)(tag|state):(?:"([^"]*)"|(\S*))')


class Asked(NamedTuple):
    """What a filter asks for: what `where` takes, and a string that a row has in it."""

    named: dict[str, str]
    part: str


def asked_of(text: str) -> Asked:
    """Read a filter, such as `tag:eu state:running import`."""
    named = {word[1]: word[3] if word[2] is None else word[2] for word in _WORD.finditer(text)}
    return Asked(named, " ".join(_WORD.sub("", text).split()))


def parse(text: str, every: Any) -> Parsed:
    """Return a filter as a view keeps it, with what is wrong with it."""
    asked = asked_of(text)
    try:
        every.where(**asked.named)
    except TeepError as error:
        return Parsed(text.strip(), Conditions(), [str(error)])
    return Parsed(
        text.strip(), cast("Conditions", dict(asked.named) | ({"match": asked.part} if asked.part else {})), []
    )


async def sought(every: Any, view: View, row: Callable[[Any], Row], what: str) -> Listing:
    """Read the page that a view asks for, for as long as a search may take."""
    asked, start, until = asked_of(view.filter.text), view.place or 0, monotonic() + SEARCH_SECONDS
    chosen = every.where(**asked.named)
    rows: list[Row] = []
    at: int | None = start
    while True:
        found = await chosen.search(at or 0, SIZE - len(rows), max(until - monotonic(), 0.0))
        rows += [one for one in map(row, found.items) if asked.part.casefold() in " ".join(one.cells).casefold()]
        at = found.next
        if at is None or len(rows) == SIZE or monotonic() >= until:
            return Listing(rows, _note(found, start, len(rows), what, view), at)


def offered(rows: Sequence[Row], states: Sequence[str]) -> list[str]:
    """Return words that suit what is shown, to complete a filter."""
    tags = dict.fromkeys(str(tag) for row in rows for tag in row.thing.tags)
    return [*(f"state:{state}" for state in states), *(words.written("tag", plain(tag)) for tag in tags)]


def _note(found: Search[Any], start: int, count: int, what: str, view: View) -> str:
    total = f"{found.total:,} {what}"
    if view.filter.is_any:
        return f"{min(start + 1, found.total):,}–{start + count:,} of {total}"
    if found.next is None:
        return f"{count:,} on this page match, of {total}"
    return f"{count:,} match; {found.looked_at:,} of {total} searched, l goes on"
