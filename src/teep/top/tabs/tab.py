"""Shared by tabs: pages of lists that are read as a whole, and facts as lines."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

from teep.api.jobs.selection.bounds import SEARCH_SECONDS
from teep.top.lists.rows import Line, Listing, Row
from teep.top.lists.views import View

__all__ = ["SEARCH_SECONDS", "SIZE", "Rows", "facts", "paged"]

SIZE = 50
"""Rows of a page."""

T = TypeVar("T")


class Rows(Sequence[Row]):
    """Things as rows, each of which is made when it is asked for: a screen shows few of ten thousand."""

    def __init__(self, things: Sequence[T], row: Callable[[T], Row]) -> None:
        self._things, self._row = things, row

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        return [self._row(one) for one in self._things[at]] if isinstance(at, slice) else self._row(self._things[at])

    def __len__(self) -> int:
        return len(self._things)

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, self._things)


def paged(rows: Sequence[Row], view: View, what: str) -> Listing:
    """Return the page of a list that was read as a whole: of those rows that have the filter's text in them."""
    wanted = view.filter.text.casefold()
    found = [row for row in rows if wanted in " ".join(row.cells).casefold()] if wanted else rows
    start = view.place or 0
    if start >= len(found):
        start = 0
    end = start + SIZE
    note = f"{min(start + 1, len(found)):,}–{min(end, len(found)):,} of {len(found):,} {what}"
    return Listing(found[start:end], note, end if end < len(found) else None, found)


def facts(pairs: Sequence[tuple[str, str]]) -> list[Line]:
    """Return names and values as lines; those without a value are left out."""
    wide = max((len(name) for name, value in pairs if value), default=0)
    return [Line(f"{name:<{wide}}  {value}", indent=wide + 2) for name, value in pairs if value]
