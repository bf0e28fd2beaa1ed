"""The output of commands: JSON for programs, tables for people.

1. A table fits into its terminal: columns that may be long are cut there, with "…" at the cut.
2. In a pipe it is as wide as it has to be, a row a line, with no colours.
3. What other programs wrote into Redis is escaped, so that it does nothing to a terminal.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from teep.telling import on_one_line

if TYPE_CHECKING:
    from rich.table import Table

_ENDLESS = 1_000_000
"""Columns of a pipe."""

_LONGEST = 500
"""Characters of a cell, also in a pipe; JSON has them all."""


class Column(NamedTuple):
    """A column of a table. Figures stand to the right; what `is_long` is cut, what `folds` goes on below."""

    title: str
    is_figure: bool = False
    is_long: bool = False
    folds: bool = False
    style: str = ""


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    from teep.wire import json

    try:
        line = json.dumps(value)
    except UnicodeEncodeError:  # another program's bytes, such as the name of a queue, that are no UTF-8
        line = json.dumps(_encodable(value))
    print(line.decode())


def print_lines(values: Iterable[Any]) -> None:
    """Print values as JSON, one a line."""
    for value in values:
        print_json(value)


def print_table(columns: list[str], rows: list[tuple[str, ...]], *, of_texts: bool = False) -> None:
    """Print a table: names, then columns of figures; or `of_texts`, strings, which wrap so that names need not."""
    first, *others = columns
    shown = [Column(first, style="bold")]
    shown += [Column(title, is_figure=not of_texts, folds=True) for title in others]
    show(table(shown, rows))


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> "Table":
    """Return a table to show."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(
            Text(column.title),
            style=column.style,
            justify="right" if column.is_figure else "left",
            overflow="fold" if column.folds else "ellipsis",
            no_wrap=not (column.folds or column.is_long),
        )
    for row in rows:
        cells = zip(columns, row, strict=True)
        made.add_row(*(Text(_cut(cell), no_wrap=not column.folds) for column, cell in cells))
    return made


def show(*shown: "Table | str") -> None:
    """Print tables and sentences."""
    from rich.console import Console
    from rich.text import Text

    parts = [Text(part) if isinstance(part, str) else part for part in shown]
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    pipe = Console(highlight=False, width=_ENDLESS)
    with pipe.capture() as captured:
        pipe.print(*parts, sep="\n")
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def is_terminal() -> bool:
    """Tell whether a person reads the output, and can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def encodable(text: str) -> str:
    """Return a string that may hold surrogates, as the bytes of no job do, so that JSON can have it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _encodable(value: Any) -> Any:
    """Return a value of which JSON can have every string, keys included."""
    match value:
        case str():
            return encodable(value)
        case dict():
            return {_encodable(key): _encodable(one) for key, one in value.items()}
        case list() | tuple():
            return [_encodable(one) for one in value]
        case _:
            return value


def _cut(cell: str) -> str:
    shown = on_one_line(cell)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
