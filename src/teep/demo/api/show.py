"""The display of calls: headings, calls as one would type them, and their answers."""

import re
import sys
import time
from textwrap import dedent
from typing import Any

from rich.console import Console
from rich.highlighter import ReprHighlighter
from rich.pretty import pretty_repr
from rich.syntax import Syntax
from rich.text import Text

# The most that an answer shows: items of a collection, and characters of a string (a stored job fits).
_ITEMS = 8
_CHARACTERS = 600
_INDENT = "    "
# Seconds between two calls on a terminal, where a person reads along.
_PAUSE = 0.3


class Typist:
    """Types statements into a Python of its own and shows the answers; the statements that are shown are run."""

    def __init__(self, console: Console, names: dict[str, Any]) -> None:
        self._console = console
        self._names = names
        self._syntax = Syntax("", "python", theme="ansi_dark", background_color="default")

    def type_in(self, source: str) -> None:
        """Run statements of one line each: each is shown at a prompt and followed by its value."""
        for statement in dedent(source).strip().splitlines():
            self._run(statement)
            if self._console.is_terminal:
                time.sleep(_PAUSE)

    def _run(self, statement: str) -> None:
        code = self._syntax.highlight(statement)
        code.rstrip()
        self._console.print(Text.assemble((">>> ", "bold cyan"), code))
        usual, sys.displayhook = sys.displayhook, self._answer
        try:
            exec(compile(f"{statement}\n", "<demo>", "single"), self._names)  # noqa: S102 - the demo's own text
        finally:
            sys.displayhook = usual

    def _answer(self, value: object) -> None:
        if value is None:
            return
        width = self._console.width - len(_INDENT)
        answer = pretty_repr(value, max_width=width, max_length=_ITEMS, max_string=_CHARACTERS, indent_size=2)
        for line in ReprHighlighter()(answer).split():
            margin = _INDENT + " " * (len(line.plain) - len(line.plain.lstrip()))
            for number, part in enumerate(line.divide(_breaks(line.plain, width))):
                self._console.print(Text.assemble(margin if number else _INDENT, part))


def _breaks(line: str, width: int) -> list[int]:
    """Return where to break a line that is too wide: after commas, slashes and spaces, for JSON has no spaces.

    What has none of these, such as an encrypted argument, is broken where the line ends.
    """
    width -= len(line) - len(line.lstrip())
    breaks = [0]
    for piece in re.finditer(r"[^,/ ]*[,/ ]|[^,/ ]+", line):
        if piece.end() - breaks[-1] > width and piece.start() > breaks[-1]:
            breaks.append(piece.start())
        while piece.end() - breaks[-1] > width:
            breaks.append(breaks[-1] + width)
    return breaks[1:]


def introduce(console: Console) -> None:
    """Print an introduction to the tour."""
    console.print()
    console.rule("[bold]A tour of the data API", align="left", style="dim")
    console.print(
        "These calls are typed into Python as you see them, on the real data of this run.\n"
        "[bold]paths[/] are the files, [bold]broken[/] is one that cannot be parsed, and two jobs run\n"
        "for as long as the file [bold]marker[/] exists."
    )


def heading(console: Console, number: int, title: str, line: str) -> None:
    """Print a section's title, and one line on its subject."""
    console.print()
    console.rule(Text.assemble((f"{number}  ", "bold cyan"), (title, "bold")), align="left", style="dim")
    console.print(line, style="italic", highlight=False)
    console.print()
