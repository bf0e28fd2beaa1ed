"""What tabs share: pages of lists that are read as a whole, and facts as lines."""

from collections.abc import Sequence

from teep.api.jobs.selection.bounds import SEARCH_SECONDS
from teep.top.lists.rows import Line, Listing, Row
from teep.top.lists.views import View

__all__ = ["SEARCH_SECONDS", "SIZE", "facts", "paged"]

SIZE = 50
"""Rows of a page."""


def paged(rows: Sequence[Row], view: View, what: str) -> Listing:
    """Return the page of a list that was read as a whole: of those rows that have the filter's text in them."""
    wanted = view.filter.text.casefold()
    found = [row for row in rows if not wanted or wanted in " ".join(row.cells).casefold()]
    view.whole = found
    start = view.place or 0
    if start >= len(found):
        start = 0
    end = start + SIZE
    note = f"{min(start + 1, len(found)):,}–{min(end, len(found)):,} of {len(found):,} {what}"
    return Listing(found[start:end], note, end if end < len(found) else None)


def facts(pairs: Sequence[tuple[str, str]]) -> list[Line]:
    """Return names and values as lines; those without a value are left out."""
    wide = max((len(name) for name, value in pairs if value), default=0)
    return [Line(f"{name:<{wide}}  {value}", indent=wide + 2) for name, value in pairs if value]
