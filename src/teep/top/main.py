"""The one screen: figures, tabs, the list, what is known of the row under the cursor, a status line, and the keys."""

from typing import cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from teep.top import frame
from teep.top.braille import area, round_up
from teep.top.braille import chart as drawn
from teep.top.shell import Shell
from teep.top.text import short
from teep.top.widgets.painted import Lines, Painted, Part, wrapped
from teep.top.widgets.table import Table

WIDTH, HEIGHT = 80, 24
"""The smallest terminal that it is made for."""

WIDE = 120
"""From so many columns on the row under the cursor is told beside the list."""


class Main(Screen[None]):
    """Paints what the app knows."""

    CSS = """
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

    @property
    def top(self) -> Shell:
        """The app that it shows."""
        return cast("Shell", self.app)

    def compose(self) -> ComposeResult:
        yield Painted(self._head, id="head")
        yield Painted(self._tabs, id="tabs")
        yield Painted(lambda width, _: frame.crumb(self.top.view, width), id="crumb")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Painted(self._chart, id="chart")
                yield Table(self.top.view, id="table")
            yield Painted(self._pane, id="pane")
        yield Painted(self._status, id="status")
        yield Painted(self._foot, id="foot")
        yield Painted(self._small, id="small")

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self.set_class(width < WIDTH or height < HEIGHT, "tiny")
        self.set_class(width >= WIDE, "wide")
        self.top.look()

    def repaint(self) -> None:
        """Show what there is now."""
        is_dashboard = self.top.view.tab.name == "dashboard"
        self.query_one("#chart").set_class(is_dashboard, "shown")
        self.query_one("#pane").set_class(not is_dashboard, "shown")
        self.query_one("#table", Table).show(self.top.view)
        for name in ("#head", "#tabs", "#crumb", "#chart", "#pane", "#status", "#foot"):
            self.query_one(name, Painted).repaint()

    @property
    def has_pane(self) -> bool:
        """Whether the row under the cursor is told beside the list."""
        return self.has_class("wide") and self.top.view.tab.name != "dashboard"

    def _head(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as all painters
        top = self.top
        return frame.head(frame.Head(top.url, top.interval, top.feed.at, top.read_only), top.feed.stats, width)

    def _tabs(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        return frame.tabs([(name, self.top.tabs[name].title) for name in self.top.shown], self.top.view.tab.name, width)

    def _chart(self, width: int, height: int) -> Lines:
        rates = self.top.feed.rates
        latest = rates[-1] if rates else None
        told = "" if latest is None else f"  {short(latest.processed)} processed, {short(latest.failed)} failed a second"
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

    def _pane(self, width: int, height: int) -> Lines:
        lines = wrapped(self.top.pane, width)
        if len(lines) <= height:
            return lines
        return [*lines[: height - 1], [Part("… Space shows all", "muted", "key:space")]]

    def _status(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        top = self.top
        if top.doing is not None:
            return [[Part(f" {top.doing.told}", "warn", "key:escape")]]
        if top.feed.trouble:
            return [[Part(f" {top.feed.trouble}", "bad")]]
        return [[Part(f" {top.told}", "title")]]

    def _foot(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        keys = frame.foot_keys(self.top.view, may_act=not self.top.read_only)
        return frame.foot(self.top.verbs, keys, width)

    def _small(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as above
        said = f"teep top needs a terminal of {WIDTH}×{HEIGHT}; this one has {self.size.width}×{self.size.height}. q ends it."
        return [[Part(said[at : at + width])] for at in range(0, len(said), max(width, 1))]


