"""The shell: the data that is shown, and how it follows Redis. The screen is given to it; the keys are its heir's."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from time import process_time
from typing import Any, ClassVar, Protocol, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from teep.clock import monotonic
from teep.config import Config
from teep.config.connections import redis_url_for
from teep.drivers.connections.urls import masked
from teep.errors import TeepError
from teep.top import tabs
from teep.top.lists.feed import Feed
from teep.top.lists.rows import Line
from teep.top.lists.text import plain
from teep.top.lists.verbs import Doing, Verb
from teep.top.lists.views import View

T = TypeVar("T")

# A look takes at most a sixtieth of the time, however large a fleet is, which leaves room for painting within a
# fiftieth; but one comes every so many seconds.
_SHARE = 60
_LONGEST = 30.0
# Seconds between two looks for the tabs of features that may not be used.
_PATIENCE = 30.0


class Face(Protocol):
    """The screen, as far as the shell knows it."""

    @property
    def has_pane(self) -> bool:
        """Whether the row under the cursor is told beside the list."""
        ...

    def repaint(self) -> None:
        """Show what the shell knows."""


class Shell(App[None]):
    """Keeps what a screen shows up to date."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", show=False, priority=True)]

    def __init__(self, config: Config, face: Face, *, read_only: bool = False, interval: float = 2.0) -> None:
        super().__init__()
        self.url = plain(masked(redis_url_for(config)))
        self.read_only = read_only
        self.interval = interval
        self.feed = Feed(config)
        self.tabs = tabs.Tabs(config)
        self.shown = [name for name in self.tabs if name not in tabs.OPTIONAL]
        """The names of the tabs that are there."""
        self.doing: Doing | None = None
        self.told = ""
        self.pane: list[Line] = []
        """What is known of the row under the cursor, beside the list."""
        self._config = config
        self._face = face
        self._stacks: dict[str, list[View]] = {}
        self._tab = "dashboard"
        self._due, self._look = asyncio.Event(), asyncio.Event()
        self._thread = threading.get_ident()
        self._looked_for_tabs = -_PATIENCE

    @property
    def view(self) -> View:
        """What one looks at."""
        return self.stack(self._tab)[-1]

    def stack(self, name: str) -> list[View]:
        """Return the lists of a tab that one has gone into, the first one its own."""
        if name not in self._stacks:
            self._stacks[name] = [View(self.tabs[name])]
        return self._stacks[name]

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """What can be done here."""
        return () if self.read_only else tuple(self.view.tab.verbs(self.view))

    @property
    def is_asking(self) -> bool:
        """Whether a dialog is open: the list stands still then."""
        return len(self.screen_stack) > 1

    def on_mount(self) -> None:
        self.run_worker(self._keep_reading(), exit_on_error=True)
        self.run_worker(self._keep_looking(), exit_on_error=True)

    def repaint(self) -> None:
        """Show what is known."""
        self._face.repaint()

    def look(self) -> None:
        """Tell what is known of the row under the cursor, if there is room for it."""
        self._look.set()

    def refresh_soon(self) -> None:
        """Look at Redis now, whatever the time."""
        self._due.set()

    def tell(self, text: str) -> None:
        """Show a sentence in the status line; from any thread."""
        self.told = plain(text, 1000)
        if threading.get_ident() == self._thread and self.is_running:
            self.repaint()

    def ask(self, dialog: ModalScreen[T], then: Callable[[T | None], Any]) -> None:
        """Open a dialog; its answer goes to a function, and the list moves again."""

        def answered(answer: T | None) -> None:
            then(answer)
            self.refresh_soon()
            self.repaint()

        self.push_screen(dialog, answered)

    async def _keep_reading(self) -> None:
        while True:
            self._due.clear()
            # A search keeps Redis busy for as long as it takes; all else, this process.
            clock = monotonic if self.view.filter.text else process_time
            began = clock()
            if not self.is_asking:
                await self._read()
            await self._rest(max(self.interval, min(_SHARE * (clock() - began), _LONGEST)))

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._due.wait()

    async def _read(self) -> None:
        view, asked = self.view, self.view.asked
        listing = await self.feed.read(view)
        if view is not self.view or asked != view.asked:
            self._due.set()  # one has gone on meanwhile
        elif listing is not None and not self.is_asking:
            view.take(listing)
        self.repaint()
        await self._tell_of_row()
        if monotonic() - self._looked_for_tabs > _PATIENCE:
            self._looked_for_tabs = monotonic()
            self.call_after_refresh(lambda: self.run_worker(self._look_for_tabs(), exit_on_error=True))

    async def _look_for_tabs(self) -> None:
        """Show the tabs of what is used. Once the list is drawn: the first time imports their modules."""
        with suppress(TeepError):  # the next time, perhaps
            found = await asyncio.gather(*(self.tabs[name].is_used() for name in tabs.OPTIONAL))
            unused = {name for name, is_used in zip(tabs.OPTIONAL, found, strict=True) if not is_used}
            self.shown = [name for name in self.tabs if name not in unused or name == self._tab]
            self.repaint()

    async def _keep_looking(self) -> None:
        """Have the pane follow the cursor."""
        while True:
            await self._look.wait()
            self._look.clear()
            await self._tell_of_row()

    async def _tell_of_row(self) -> None:
        """Have the pane tell of the row under the cursor, unless the cursor has gone on meanwhile."""
        view, row = self.view, self.view.row
        if not self._face.has_pane:
            return
        with suppress(TeepError):  # the pane stays as it was; the status line tells of Redis
            lines = [] if row is None else await view.tab.detail(row, view)
            if view is self.view and row is view.row:
                self.pane = lines
                self.repaint()
