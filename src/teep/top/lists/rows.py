"""The parts of a list: columns, rows, and a page of them; and the lines that tell all of one row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len

from teep.top.lists.text import fit


class Column(NamedTuple):
    """A column: its title, and how many cells it may take; with 0 it takes what the others leave.

    Where a screen is narrow, those of the highest `rank` are left out first; those of rank 0 stay.
    """

    title: str
    most: int = 0
    rank: int = 0
    right: bool = False


class Row(NamedTuple):
    """A thing in a list. `key` names it for as long as it is there, wherever in the list it goes.

    `cells` are safe to show. `style` is a colour, which is never the only sign.
    """

    key: str
    cells: tuple[str, ...]
    thing: Any
    style: str = ""


class Listing(NamedTuple):
    """A page of a list: its rows, a sentence on what they are of, and where the next page begins, if there is one."""

    rows: Sequence[Row]
    note: str = ""
    next: Any = None
    whole: Sequence[Row] | None = None
    """All rows that match, on every page, if the list was read as a whole."""


class Line(NamedTuple):
    """A line to read; long ones are wrapped, with `indent` cells before each part."""

    text: str = ""
    style: str = ""
    indent: int = 0


_LEAST_REST = 16
_GAP = 2


class Layout(NamedTuple):
    """Which columns are shown (their places), each with its cells."""

    columns: Sequence[tuple[int, int]]

    def line(self, cells: Sequence[str], columns: Sequence[Column]) -> str:
        """Return a row as a line."""
        parts = [fit(cells[place], width, right=columns[place].right) for place, width in self.columns]
        return (" " * _GAP).join(parts)


def laid_out(columns: Sequence[Column], rows: Sequence[Row], width: int, before: dict[int, int]) -> Layout:
    """Return how columns share a width. `before` keeps the widths of before: a column never shrinks."""
    for place, column in enumerate(columns):
        widest = max([cell_len(column.title), *(cell_len(row.cells[place]) for row in rows)])
        before[place] = max(before.get(place, 0), min(widest, column.most) if column.most else 0)
    shown = list(range(len(columns)))
    while (rest := _rest(columns, shown, before, width)) < _needed(columns, shown):
        rank, place = max((columns[place].rank, place) for place in shown)
        if not rank:
            break
        shown.remove(place)
    open_ones = [place for place in shown if not columns[place].most]
    share = max(rest, len(open_ones)) // max(len(open_ones), 1)
    return Layout([(place, before[place] if columns[place].most else share) for place in shown])


def _rest(columns: Sequence[Column], shown: Sequence[int], widths: dict[int, int], width: int) -> int:
    fixed = sum(widths[place] for place in shown if columns[place].most)
    return width - fixed - _GAP * (len(shown) - 1)


def _needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return _LEAST_REST * sum(not columns[place].most for place in shown)
