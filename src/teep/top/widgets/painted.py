"""A widget of lines, each of parts that may do something where one clicks on them. It shows strings, never markup."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from teep.top.lists.rows import Line

STYLES = {
    "": Style(),
    "title": Style(bold=True),
    "label": Style(color="cyan"),
    "muted": Style(dim=True),
    "bad": Style(color="bright_red"),
    "warn": Style(color="bright_yellow"),
    "good": Style(color="bright_green"),
    "key": Style(color="bright_cyan", bold=True),
    "chosen": Style(reverse=True, bold=True),
    "cursor": Style(reverse=True),
    "chart": Style(color="bright_green"),
}
"""The looks that a part may have; several names make one style. Words or signs say the same as a colour."""


class Part(NamedTuple):
    """A part of a line. `does` is what a click on it tells the app, "" for nothing."""

    text: str
    style: str = ""
    does: str = ""


Lines = Sequence[Sequence[Part]]
Painter = Callable[[int, int], Lines]
"""Returns the lines for a width and a height."""


class Painted(Widget):
    """Lines that a function paints for a width and a height; they are painted again on request, and if resized."""

    class Pressed(Message):
        """A part was clicked on that does something."""

        def __init__(self, does: str) -> None:
            super().__init__()
            self.does = does

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._painter = painter
        self._painted: Lines = ()

    def repaint(self) -> None:
        """Paint it again; the screen is touched only if anything differs."""
        before, self._painted = self._painted, self._painter(*self.size) if all(self.size) else ()
        for y, (old, new) in enumerate(zip_longest(before, self._painted)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        self.repaint()

    def render_line(self, y: int) -> Strip:
        parts = self._painted[y] if y < len(self._painted) else ()
        return strip(parts, self.size.width, self.visual_style.rich_style)

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None or at.y >= len(self._painted):
            return
        end = 0
        for part in self._painted[at.y]:
            end += cell_len(part.text)
            if at.x < end:
                if part.does:
                    event.stop()
                    self.post_message(self.Pressed(part.does))
                return


@cache
def _style(names: str) -> Style:
    return Style.combine([Style(), *(STYLES[name] for name in names.split())])


def strip(parts: Sequence[Part], width: int, base: Style) -> Strip:
    """Return parts as a line of exactly so many cells."""
    segments, left = [], width
    for part in parts:
        text, used = part.text, cell_len(part.text)
        if used > left:
            text, used = set_cell_size(text, left), left
        if text:
            segments.append(Segment(text, _style(part.style)))
        left -= used
    return Strip([*segments, Segment(" " * left)] if left else segments, width).apply_style(base)


def wrapped(lines: Sequence[Line], width: int) -> list[list[Part]]:
    """Return lines in parts that fit a width; their further lines are indented."""
    found: list[list[Part]] = []
    for text, style, indent in lines:
        rest, room = text, width
        while cell_len(rest) > room:
            head = _head(rest, room)
            found.append([Part(head if room == width else " " * (width - room) + head, style)])
            rest = rest[len(head) :]
            room = width - min(indent, width // 2)
        found.append([Part(rest if room == width else " " * (width - room) + rest, style)])
    return found


def _head(text: str, room: int) -> str:
    """Return as much of a string as fits, one character at least."""
    head = text[: max(room, 1)]
    while cell_len(head) > room and len(head) > 1:
        head = head[:-1]
    return head
