"""As much of a terminal as rich's output needs: what is on the screen after some bytes, and in which colours."""

import re
from typing import NamedTuple

_CUT = re.compile(r"\x1b(\[\??[\d;]*)?\Z")
_PARTS = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)|(\x1b)")


class Style(NamedTuple):
    """How characters look: the number of one of 16 colours, or None for the usual one."""

    colour: int | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False


class Run(NamedTuple):
    """Characters of one style that stand together: from a column on."""

    column: int
    text: str
    style: Style


Line = tuple[Run, ...]
_USUAL = Style()


class Terminal:
    """The screen of a terminal."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.columns = columns
        self._cells = [self._empty() for _ in range(lines)]
        self._line = self._column = 0
        self._style = _USUAL
        self._rest = ""

    def feed(self, text: str) -> None:
        """Show what a program prints; an escape sequence that is cut off waits for its rest.

        Raises:
            ValueError: it uses what this terminal does not know.
        """
        text = self._rest + text
        cut = _CUT.search(text)
        self._rest = cut[0] if cut else ""
        for code, command, control, plain, stray in _PARTS.findall(text.removesuffix(self._rest)):
            if command:
                self._obey(code, command)
            elif control == "\r":
                self._column = 0
            elif control == "\n":
                self._next_line()
            elif stray:
                raise ValueError("an escape sequence that is none")
            else:
                self._put(plain)

    def screen(self) -> tuple[Line, ...]:
        """Return the lines of the screen."""
        return tuple(_runs(cells) for cells in self._cells)

    def _put(self, text: str) -> None:
        for character in text:
            if self._column == self.columns:
                self._column = 0
                self._next_line()
            self._cells[self._line][self._column] = (character, self._style)
            self._column += 1

    def _next_line(self) -> None:
        if self._line + 1 < len(self._cells):
            self._line += 1
        else:
            self._cells = [*self._cells[1:], self._empty()]

    def _obey(self, code: str, command: str) -> None:
        number = int(code) if code.isdigit() else 0
        if command == "m":
            self._set_style([int(part or 0) for part in code.split(";")])
        elif command == "A":
            self._line = max(0, self._line - max(1, number))
        elif command == "K" and number == 2:
            self._cells[self._line] = self._empty()
        elif code != "?25":  # the cursor, which is not drawn
            raise ValueError(f"the command {code}{command} is not known")

    def _set_style(self, numbers: list[int]) -> None:
        for number in numbers:
            if number == 0:
                self._style = _USUAL
            elif number in (1, 2, 3):
                self._style = self._style._replace(**{("bold", "dim", "italic")[number - 1]: True})
            elif number in range(30, 38) or number in range(90, 98):
                self._style = self._style._replace(colour=number - 30 if number < 90 else number - 82)
            elif number == 39:
                self._style = self._style._replace(colour=None)
            elif number != 49:
                raise ValueError(f"the style {number} is not known")

    def _empty(self) -> list[tuple[str, Style]]:
        return [(" ", _USUAL)] * self.columns


def _runs(cells: list[tuple[str, Style]]) -> Line:
    """Return what is to be drawn of a line: no spaces at the ends of runs, and none longer than one inside."""
    found: list[Run] = []
    start = 0
    while start < len(cells):
        style = cells[start][1]
        end = next((at for at in range(start, len(cells)) if cells[at][1] != style), len(cells))
        text = "".join(character for character, _ in cells[start:end])
        found += [Run(start + part.start(), part[0], style) for part in re.finditer(r"\S+(?: \S+)*", text)]
        start = end
    return tuple(found)
