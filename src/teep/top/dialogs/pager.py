"""Lines over the whole screen, which one scrolls: a job's detail, its raw payload, the help."""

from collections.abc import Sequence
from itertools import islice

from teep.top.dialogs.box import Box
from teep.top.lists.rows import Line
from teep.top.widgets.painted import Lines, Part, wrapped

_CLOSES = ("escape", "ctrl+c", "q", "enter", "space", " ", "?", "y", "i")


class Pager(Box[str | None]):
    """Lines. It answers with "copy" if one asks for what `copied` names, else with None."""

    DEFAULT_CSS = """
    Pager #box { width: 100%; max-width: 100%; height: 100%; }
    """

    def __init__(self, title: str, text: Sequence[Line], copied: str = "") -> None:
        super().__init__(self._lines, self._act)
        self._title = title
        self._text = text
        self._copied = copied
        self._top = 0
        self._wrapped: tuple[int, Lines] = (0, ())

    def resized(self) -> None:
        """Paint it: it has the height of the screen."""
        self._box.repaint()

    def _lines(self, width: int, height: int) -> Lines:
        if self._wrapped[0] != width:
            self._wrapped = width, wrapped(self._text, width)
        every = self._wrapped[1]
        self._top = max(0, min(self._top, len(every) - (height - 2)))
        shown = list(islice(every, self._top, self._top + height - 2))
        last = self._top + len(shown)
        part = "" if len(every) <= height - 2 else f"   {self._top + 1}–{last} of {len(every)}, j and k go on"
        copy = f"   c copies the {self._copied}" if self._copied else ""
        blank = [[Part("")]] * (height - 2 - len(shown))
        return [[Part(self._title, "label")], *shown, *blank, [Part(f"Esc goes back{copy}{part}", "muted")]]

    def _act(self, key: str) -> None:
        page = max(self.app.size.height - 5, 1)
        steps = {"j": 1, "k": -1, "pagedown": page, "pageup": -page, "l": page, "h": -page, "home": -(10**9),
                 "g": -(10**9), "end": 10**9, "G": 10**9}  # fmt: skip
        if key in steps:
            self._top = max(self._top + steps[key], 0)
            self.resized()
        elif key == "c" and self._copied:
            self.answer("copy")
        elif key in _CLOSES:
            self.answer(None)

    def on_mouse_scroll_down(self) -> None:
        self._top += 3
        self.resized()

    def on_mouse_scroll_up(self) -> None:
        self._top = max(self._top - 3, 0)
        self.resized()
