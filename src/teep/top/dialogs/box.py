"""A box in the middle of the screen, painted of lines."""

from collections.abc import Callable
from typing import TypeVar

from textual import events
from textual.app import ComposeResult

from teep.top.dialogs.dialog import Dialog, name_of
from teep.top.widgets.painted import Painted, Painter

T = TypeVar("T")

KEYS = {"down": "j", "up": "k"}
"""Keys that stand for others, in all boxes."""


class Box(Dialog[T]):
    """A dialog of lines. Each kind brings the function that paints them, and the one that does what a key does."""

    DEFAULT_CSS = """
    Box { align: center middle; background: $background 40%; }
    Box #box { width: 76; max-width: 95%; border: round $primary; padding: 0 1; background: $surface; }
    """

    def __init__(self, paint: Painter, press: Callable[[str], None]) -> None:
        super().__init__()
        self._paint = paint
        self._press = press
        self._box = Painted(paint, id="box")

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self.resized()

    def resized(self) -> None:
        """Make the box as high as its lines. A key may come before it is on the screen, and after it has gone."""
        width = min(76, int(self.app.size.width * 0.95)) - 4
        lines = self._paint(width, self.app.size.height)
        self._box.styles.height = min(len(lines), self.app.size.height - 4) + 2
        self._box.repaint()

    def take(self, event: events.Key) -> bool:
        key = name_of(event)
        self._press(KEYS.get(key, key))
        return True

    def on_painted_pressed(self, event: Painted.Pressed) -> None:
        event.stop()
        self._press(event.does.removeprefix("key:"))
