"""The list: it shows a view, row by row, and tells where one clicks. The view decides what moves and what stays."""

from textual import events
from textual.message import Message

from teep.top.lists.rows import laid_out
from teep.top.lists.views import View
from teep.top.widgets.painted import Lines, Painted, Part

_MARKS = 3
"""Cells before a row: for the cursor, and for whether it is selected, or gone."""

_SCROLLED = 3


class Table(Painted):
    """The rows of a view."""

    class Picked(Message):
        """The row of a key was clicked on; `is_double`: twice."""

        def __init__(self, key: str, *, is_double: bool) -> None:
            super().__init__()
            self.key = key
            self.is_double = is_double

    def __init__(self, view: View, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(self._paint, id=id)
        self.seen = view

    def show(self, view: View) -> None:
        """Show a view as it is now."""
        self.seen = view
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        at = self.seen.top + event.y - 1
        if event.y > 0 and at < len(self.seen.rows):
            event.stop()
            self.post_message(self.Picked(self.seen.rows[at].key, is_double=event.chain == 2))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(_SCROLLED)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-_SCROLLED)

    def _scroll(self, by: int) -> None:
        self.seen.scroll(by)
        self.repaint()

    def _paint(self, width: int, height: int) -> Lines:
        view = self.seen
        view.resize(height - 1)
        columns = view.tab.shown(view)
        layout = laid_out(columns, view.rows, width - _MARKS - 2, view.widths)
        titles = layout.line([column.title for column in columns], columns)
        lines = [[Part(" " * _MARKS + titles, "label")]]
        if not view.rows:
            return [*lines, [], [Part(" " * _MARKS + _nothing(view), "muted")]]
        cursor = view.index
        for at in range(view.top, min(view.top + view.height, len(view.rows))):
            row = view.rows[at]
            style = f"cursor {row.style}" if at == cursor else row.style
            marks = f"{'❯' if at == cursor else ' '}{_sign(view, at)} "
            lines.append([Part(marks + layout.line(row.cells, columns) + " ", style), Part(_bar(view, at), "muted")])
        return lines


def _nothing(view: View) -> str:
    if view.listing is None:
        return "Reading …"
    return view.tab.empty if view.filter.is_any else f"Nothing matches {view.filter.text}"


def _sign(view: View, at: int) -> str:
    row = view.rows[at]
    if view.is_gone(row):
        return "×"
    return "✓" if row.key in view.chosen or view.all_of is not None else " "


def _bar(view: View, at: int) -> str:
    """Return a cell of the bar at the right, which shows the part of the page that is in sight."""
    rows, shown = len(view.rows), view.height
    if rows <= shown:
        return ""
    size = max(shown * shown // rows, 1)
    start = view.top * (shown - size) // (rows - shown)
    return "█" if start <= at - view.top < start + size else "│"
