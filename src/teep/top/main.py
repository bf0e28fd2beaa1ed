"""The one screen: figures, tabs, the list, what is known of the row under the cursor, a status line, and the keys."""

from typing import cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from teep.top import frame
from teep.top.lists.text import short
from teep.top.shell import Shell
from teep.top.widgets.braille import area, round_up
from teep.top.widgets.braille import chart as drawn
from teep.top.widgets.painted import Lines, Painted, Part, wrapped
from teep.top.widgets.table import Table

WIDTH, HEIGHT = 80, 24
"""The smallest terminal that it is made for."""

LAYOUT = """
Main { layout: vertical; overflow: hidden; }
#head { height: 3; background: $panel; }
#tabs, #crumb, #status, #foot { height: 1; }
#foot { background: $panel; }
#body { height: 1fr; }
#left { width: 1fr; }
#chart { height: 9; display: none; }
#chart.shown { display: block; }
#table { height: 1fr; }
#pane { width: 45%; display: none; border-left: solid $primary; padding-left: 1; }
.wide #pane.shown { display: block; }
#small { display: none; height: 1fr; }
.tiny #small { display: block; }
.tiny #head, .tiny #tabs, .tiny #crumb, .tiny #body, .tiny #status, .tiny #foot { display: none; }
"""
"""The styles of the screen, as Textual writes them."""

WIDE = 120
"""From so many columns on the row under the cursor is told beside the list."""


class Main(Screen[None]):
    """Paints what the app knows."""

    @property
    def top(self) -> Shell:
        """The app that it shows."""
        return cast("Shell", self.app)

    def __init__(self) -> None:
        super().__init__()
        self._table: Table | None = None
        self._chart = Painted(self._paint_chart, id="chart")
        self._pane = Painted(self._paint_pane, id="pane")
        self._foot = Painted(self._paint_foot, id="foot")
        self._status = Painted(self._paint_status, id="status")
        self._small = Painted(self._paint_small, id="small")
        self._above = (
            Painted(self._paint_head, id="head"),
            Painted(self._paint_tabs, id="tabs"),
            Painted(lambda width, _: frame.crumb(self.top.view, width), id="crumb"),
        )

    def compose(self) -> ComposeResult:
        self._table = Table(self.top.view, id="table")
        yield from self._above
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield self._chart
                yield self._table
            yield self._pane
        yield self._status
        yield self._foot
        yield self._small

    def on_mount(self) -> None:
        self.repaint()

    def on_resize(self) -> None:
        self.repaint()
        self.top.look()

    def repaint(self) -> None:
        """Show what there is now."""
        if self._table is None:
            return  # its widgets are not there yet
        width, height = self.app.size
        self.set_class(width < WIDTH or height < HEIGHT, "tiny")
        self.set_class(width >= WIDE, "wide")
        is_dashboard = self.top.view.tab.name == "dashboard"
        self._chart.set_class(is_dashboard, "shown")
        self._pane.set_class(not is_dashboard, "shown")
        self._table.show(self.top.view)
        for painted in (*self._above, self._chart, self._pane, self._status, self._foot, self._small):
            painted.repaint()

    @property
    def has_pane(self) -> bool:
        """Whether the row under the cursor is told beside the list."""
        return self.has_class("wide") and self.top.view.tab.name != "dashboard"

    def _paint_head(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as all painters
        top = self.top
        return frame.head(frame.Head(top.url, top.interval, top.feed.at, top.read_only), top.feed.stats, width)

    def _paint_tabs(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        return frame.tabs(
            [(name, self.top.tabs[name].title) for name in self.top.shown], self.top.view.tab.name, width
        )

    def _paint_chart(self, width: int, height: int) -> Lines:
        rates = self.top.feed.rates
        latest = rates[-1] if rates else None
        told = (
            "" if latest is None else f"  {short(latest.processed)} processed, {short(latest.failed)} failed a second"
        )
        title = [Part(" jobs a second", "label"), Part(told)]
        failed_height = 2
        most = round_up(max([rate.failed for rate in list(rates)[-2 * width :]], default=0.0))
        lines = drawn([rate.processed for rate in rates], width - 2, height - 1 - failed_height)
        failed = area([rate.failed for rate in rates], max(width - 10, 1), failed_height, most)
        labels = (f"{short(most):>6} ┤", "failed ┤")
        return [
            title,
            *([Part(f" {line}", "chart")] for line in lines),
            *([Part(f" {label}{line}", "bad")] for label, line in zip(labels, failed, strict=True)),
        ]

    def _paint_pane(self, width: int, height: int) -> Lines:
        lines = wrapped(self.top.pane, width)
        if len(lines) <= height:
            return lines
        return [*lines[: height - 1], [Part("… Space shows all", "muted", "key:space")]]

    def _paint_status(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        top = self.top
        if top.doing is not None:
            return [[Part(f" {top.doing.told}", "warn", "key:escape")]]
        if top.feed.trouble:
            return [[Part(f" {top.feed.trouble}", "bad")]]
        return [[Part(f" {top.told}", "title")]]

    def _paint_foot(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        keys = frame.foot_keys(self.top.view, may_act=not self.top.read_only)
        return frame.foot(self.top.verbs, keys, width)

    def _paint_small(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        has = f"{self.app.size.width}×{self.app.size.height}"
        said = f"teep top needs a terminal of {WIDTH}×{HEIGHT}; this one has {has}. q ends it."
        return [[Part(said[at : at + width])] for at in range(0, len(said), max(width, 1))]
