"""A box in the middle of the screen, painted of lines."""

from typing import TypeVar

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from teep.top.widgets.painted import Lines, Painted

T = TypeVar("T")

KEYS = {"down": "j", "up": "k"}
"""Keys that stand for others, in all boxes."""


class Box(ModalScreen[T]):
    """A dialog: what its lines are, and what its keys do, each kind says."""

    DEFAULT_CSS = """
    Box { align: center middle; background: $background 40%; }
    Box #box { width: 76; max-width: 95%; border: round $primary; padding: 0 1; background: $surface; }
    """

    def compose(self) -> ComposeResult:
        yield Painted(self.lines, id="box")

    def on_mount(self) -> None:
        self.resized()

    def resized(self) -> None:
        """Make the box as high as its lines."""
        box = self.query_one("#box", Painted)
        width = min(76, int(self.app.size.width * 0.95)) - 4
        box.styles.height = min(len(self.lines(width, self.app.size.height)), self.app.size.height - 4) + 2
        box.repaint()

    def lines(self, width: int, height: int) -> Lines:
        """Return what the box shows."""
        raise NotImplementedError

    def press(self, key: str) -> None:
        """Do what a key does."""
        raise NotImplementedError

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        key = event.character if event.is_printable and event.character else event.key
        self.press(KEYS.get(key, key))

    def on_painted_pressed(self, event: Painted.Pressed) -> None:
        event.stop()
        self.press(event.does.removeprefix("key:"))
