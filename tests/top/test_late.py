"""Answers that come late, keys and clicks that come too fast: none meets another thing, and none ends the app."""

import asyncio
from typing import Any

import pytest

import teep
from teep.api import AsyncStats, async_find_job
from teep.errors import InvalidValue
from teep.top import shell
from teep.top.dialogs.pager import Pager
from teep.top.lists.rows import Line, Listing, Row
from teep.top.lists.views import View
from teep.top.tabs.jobs.jobsets import Retries
from teep.top.widgets.table import Table
from tests.support.servers import Server
from tests.top.seeing import Seen, key_event, retry, watch

pytestmark = pytest.mark.one_server


class Gate:
    """Holds calls of a coroutine function until it is opened."""

    def __init__(self, behind: Any) -> None:
        self.reached, self._open, self._behind = asyncio.Event(), asyncio.Event(), behind

    async def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.reached.set()
        await self._open.wait()
        return await self._behind(*arguments, **options)

    def open(self) -> None:
        self._open.set()


async def typed_at_once(seen: Seen, *keys: str) -> None:
    for key in keys:
        seen.app.post_message(key_event(key))
    await seen.press()
    await seen.pilot.pause()


def test_a_list_that_is_not_read_yet_shows_no_row_of_another(store: Server, config: teep.Config) -> None:
    store.client.sadd("processes", "host:1:a")
    store.client.hset("host:1:a", mapping={"info": "{}", "busy": 0, "beat": 1.0, "quiet": "false"})

    async def scene(seen: Seen) -> None:
        await seen.go("busy")
        await seen.until(lambda: seen.view.rows)
        gate = Gate(seen.app.feed.read)
        seen.app.feed.read = gate  # type: ignore[method-assign]
        for mode in ("jobs", "processes"):
            await seen.press("v")
            await seen.until(f"Busy · {mode}")
            assert "Reading …" in seen.text
        await seen.press("l", "h", "space", "y", "Q", "x", "A")
        assert not seen.app.is_asking
        gate.open()
        await seen.until(lambda: seen.view.rows)

    watch(config, scene)


@pytest.mark.parametrize("keys", [("D", "y", "y"), ("D", "escape", "escape"), ("y", "escape", "escape"),
                                  ("m", "q", "escape"), ("/", "escape", "escape"), ("?", "j", "?", "escape"),
                                  (":", "enter", "enter")])  # fmt: skip
def test_a_second_key_to_a_dialog_that_closes_does_no_harm(
    store: Server, config: teep.Config, keys: tuple[str, ...]
) -> None:
    retry(store, 1, 2e9)
    retry(store, 2, 2e9 + 1)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 2")
        await typed_at_once(seen, *keys)
        await seen.press("escape")
        await seen.until(lambda: not seen.app.is_asking)
        await seen.until("no answer 2")

    watch(config, scene)


def test_a_click_that_comes_after_an_answer_does_no_harm(store: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.press("?")
        dialog = seen.app.screen
        assert isinstance(dialog, Pager)
        dialog.answer(None)
        dialog.answer(None)
        await seen.until(lambda: not seen.app.is_asking)

    watch(config, scene)


def test_a_job_that_is_found_late_does_not_come_over_a_question(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    jid = retry(store, 1, 2e9)

    async def scene(seen: Seen) -> None:
        gate = Gate(async_find_job)
        monkeypatch.setattr("teep.top.app.async_find_job", gate)
        await seen.go("retries")
        await seen.until("no answer 1")
        await seen.press(":")
        await seen.type(f"jid {jid}")
        await gate.reached.wait()
        await seen.press("D")
        gate.open()
        await seen.until(lambda: "was found" in seen.app.told)
        assert len(seen.app.screen_stack) == 2
        await seen.press("y")
        await seen.until("1 is deleted")

    watch(config, scene)


def test_the_pane_tells_nothing_of_a_list_that_one_has_left(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry(store, 1, 2e9)

    async def told(*_: Any) -> list[Line]:
        return [Line("all of a retry")]

    async def scene(seen: Seen) -> None:
        gate = Gate(told)
        monkeypatch.setattr(Retries, "detail", gate)
        await seen.go("retries")
        await gate.reached.wait()
        await seen.press("right")
        gate.open()
        await seen.until("No job is dead.")
        await seen.looked()
        assert "all of a retry" not in seen.text

    watch(config, scene, size=(120, 24))


def test_a_click_is_for_the_row_that_was_there_then(store: Server, config: teep.Config) -> None:
    jids = [retry(store, number, 2e9 + number) for number in range(3)]

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 2")
        retry(store, 9, 1e9)
        await seen.until("no answer 9")
        for key, under in ((jids[1], "no answer 1"), ("another", "no answer 1")):
            seen.app.post_message(Table.Picked(key, is_double=False))
            await seen.press()
            await seen.until(lambda: under in seen.line("❯"))  # noqa: B023 - awaited here

    watch(config, scene)


def test_any_error_of_teep_is_told_and_ends_nothing(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any) -> Any:
        raise InvalidValue("no such thing")

    monkeypatch.setattr(Retries, "read", refused)
    monkeypatch.setattr("teep.top.tabs.batches.Batches.is_used", refused)

    async def scene(seen: Seen) -> None:
        await seen.press(":")
        await seen.type("retries")
        await seen.until("no such thing")
        await seen.go("dead")
        await seen.until(lambda: not seen.app.feed.trouble)

    watch(config, scene)


def test_the_figures_and_the_list_are_asked_for_at_the_same_time(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = AsyncStats.fetch_stats

    async def scene(seen: Seen) -> None:
        is_read = asyncio.Event()

        async def read(*_: Any) -> Listing:
            is_read.set()
            return Listing([Row("a", ("",) * 5, None)])

        async def fetched(stats: AsyncStats) -> Any:
            await is_read.wait()
            return await figures(stats)

        monkeypatch.setattr(Retries, "read", read)
        monkeypatch.setattr(AsyncStats, "fetch_stats", fetched)
        listing = await seen.app.feed.read(View(seen.app.tabs["retries"]))
        assert listing is not None

    watch(config, scene)


def test_what_the_pane_reads_is_part_of_a_look(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry(store, 1, 2e9)
    spent, waits = [0.0], list[float]()

    async def detail(*_: Any) -> list[Line]:
        spent[0] += 0.25
        return [Line("it took long")]

    async def rest(self: object, seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0.01)

    monkeypatch.setattr(Retries, "detail", detail)
    monkeypatch.setattr(shell, "process_time", lambda: spent[0])
    monkeypatch.setattr(shell.Shell, "_rest", rest)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("it took long")
        await seen.until(lambda: shell._SHARE * 0.25 in waits)

    watch(config, scene, size=(120, 24))
