"""Looking at `teep top` as a person does: the screen, and keys."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.strip import Strip

import teep
from teep.top.app import Top
from teep.top.lists.views import View
from tests.support.servers import Server

SOON = 20.0
OFTEN = 0.05


def text_of(strips: list[Strip]) -> str:
    """A screen as lines."""
    return "\n".join(strip.text.rstrip() for strip in strips)


def key_event(key: str) -> events.Key:
    """The event of a key: a character, or a key's name."""
    if len(key) > 1:
        return events.Key(key, " " if key == "space" else None)
    return events.Key(_character_to_key(key), key)


class Seen:
    """A running program, and its screen."""

    def __init__(self, app: Top, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """All lines of the screen, a dialog over the list included."""
        screens = self.app.screen_stack
        return "\n".join(text_of(screen._compositor.render_strips()) for screen in reversed(screens))

    @property
    def view(self) -> View:
        return self.app.view

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def line(self, part: str) -> str:
        """The first line with a part."""
        return next(line for line in self.lines if part in line)

    async def press(self, *keys: str) -> None:
        """Press keys, each once the one before is done. Textual's pilot waits for an idle process instead."""
        for key in keys:
            self.app.post_message(key_event(key))
            for pump in (self.app, self.app.focused or self.app.screen, self.app.screen, self.app):
                done = asyncio.Event()
                pump.call_later(done.set)
                async with asyncio.timeout(SOON):
                    while pump.is_running and not done.is_set():  # noqa: ASYNC110 - a pump that ends sets nothing
                        await asyncio.sleep(0)

    async def type(self, text: str, *, end: str = "enter") -> None:
        """Type a string into the line, and end it."""
        await self.press(*text, end)

    async def until(self, what: str | Callable[[], Any]) -> None:
        """Wait until the screen says something, or something is so."""
        try:
            async with asyncio.timeout(SOON):
                while not (what in self.text if isinstance(what, str) else what()):  # noqa: ASYNC110 - the screen tells nobody
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{what!r} never came:\n{self.text}") from None

    async def looked(self) -> None:
        """Wait until Redis was asked once more, and the answer is on the screen."""
        before = self.view.listing
        self.app.refresh_soon()
        await self.until(lambda: self.view.listing is not before)
        await self.pilot.pause()

    async def go(self, tab: str) -> None:
        """Go to a tab, and wait for its list."""
        await self.press(":")
        await self.type(tab)
        await self.until(lambda: self.view.listing is not None and self.app.view.tab.name == tab)


def watch(
    config: teep.Config, scene: Callable[[Seen], Awaitable[None]], *, size: tuple[int, int] = (80, 24), **options: Any
) -> None:
    """Play a scene in a terminal of a size. It looks often, so that nothing takes long."""

    async def play() -> None:
        app = Top(config, **{"interval": OFTEN, **options})
        async with app.run_test(size=size) as pilot:
            seen = Seen(app, pilot)
            await seen.until(lambda: app.view.listing is not None or app.feed.trouble)
            await scene(seen)

    asyncio.run(play())


def retry(store: Server, number: int, at: float, key: str = "retry", **fields: Any) -> str:
    """Put a failed job into a set; returns its jid."""
    item = {
        "class": "app.Import", "args": [number], "jid": f"{number:024x}", "queue": "low", "retry": True,
        "error_class": "TimeoutError", "error_message": f"no answer {number}", "retry_count": 1,
        "created_at": 1.0, "enqueued_at": 1.0, "failed_at": 2.0,
    }  # fmt: skip
    store.client.zadd(key, {json.dumps({**item, **fields}): at})
    return f"{number:024x}"
