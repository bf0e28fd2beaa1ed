"""The list follows Redis, and nothing moves under the cursor."""

import asyncio
from itertools import count
from typing import Any

import pytest
from textual.geometry import Region

import teep
from teep.top import shell
from teep.top.lists.rows import Listing
from teep.top.lists.views import View
from tests.support.servers import Server
from tests.top.seeing import Seen, retry, watch

pytestmark = pytest.mark.one_server


def test_the_cursor_and_the_ticks_follow_their_jobs(store: Server, config: teep.Config) -> None:
    for number in range(10, 20):
        retry(store, number, 2e9 + number)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 19")
        await seen.press("j", "j", "x", "j")
        y = seen.lines.index(seen.line("❯"))
        assert "no answer 14" in seen.lines[y]
        for number in range(3):
            retry(store, number, 1.9e9 + number)
        await seen.until("no answer 0")
        assert "no answer 14" in seen.line("❯")
        assert "no answer 12" in seen.line("✓")
        # A row that was below the first line can stay where it is; one at the top of a list cannot.
        store.client.zremrangebyscore("retry", 0, 1.95e9)
        await seen.until(lambda: "no answer 0" not in seen.text)
        assert seen.lines.index(seen.line("❯")) == y

    watch(config, scene)


def test_a_job_that_is_gone_stays_marked_and_no_verb_meets_another(store: Server, config: teep.Config) -> None:
    for number in range(5):
        retry(store, number, 2e9 + number)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 4")
        await seen.press("j", "j")
        store.client.zremrangebyscore("retry", 2e9 + 2, 2e9 + 2)
        await seen.until("×")
        assert "no answer 2" in seen.line("❯×")
        await seen.press("D")
        await seen.until("this job is not there any more")
        assert not seen.app.is_asking
        await seen.press("j")
        await seen.until(lambda: "×" not in seen.text)
        assert store.client.zcard("retry") == 4

    watch(config, scene)


def test_a_list_stands_still_while_a_question_is_open(store: Server, config: teep.Config) -> None:
    jid = retry(store, 1, 2e9 + 1)
    retry(store, 2, 2e9 + 2)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 2")
        asked = [0]
        real = seen.app.feed.read

        async def read(view: View) -> Listing | None:
            asked[0] += 1
            return await real(view)

        await seen.press("D")
        await seen.pilot.pause()
        seen.app.feed.read = read  # type: ignore[method-assign]
        retry(store, 0, 1e9)
        for _ in range(5):
            seen.app.refresh_soon()
            await seen.pilot.pause(0.02)
        assert asked == [0]
        assert seen.view.rows[0].key == jid
        await seen.press("y")
        await seen.until("1 is deleted")
        await seen.until("no answer 0")
        assert {row.thing.jid for row in seen.view.rows} == {f"{0:024x}", f"{2:024x}"}

    watch(config, scene)


def test_only_lines_that_differ_are_drawn(store: Server, config: teep.Config) -> None:
    for number in range(5):
        retry(store, number, 2e9 + number)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 4")
        table = seen.app._main.query_one("#table")
        drawn: list[object] = []
        real = table.refresh

        def refresh(*regions: Region, **options: Any) -> Any:
            drawn.extend(region.y for region in regions)
            return real(*regions, **options)

        table.refresh = refresh  # type: ignore[method-assign]
        await seen.looked()
        await seen.looked()
        assert drawn == []
        store.client.zremrangebyscore("retry", 2e9 + 4, 2e9 + 4)
        await seen.until(lambda: len(seen.view.rows) == 4)
        assert set(drawn) == {5}

    watch(config, scene)


def test_the_chart_shows_what_ran_and_failed_each_second(store: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        for _ in range(8):
            store.client.incrby("stat:processed", 500)
            store.client.incrby("stat:failed", 20)
            await seen.looked()
        await seen.until("processed,")
        chart = seen.app._main.query_one("#chart")
        shown = [strip.text for strip in (chart.render_line(y) for y in range(chart.size.height))]
        assert any(any(0x2800 < ord(char) <= 0x28FF for char in line) for line in shown[1:-2])
        assert any(0x2800 < ord(char) <= 0x28FF for char in shown[-1])

    watch(config, scene)


def test_a_look_that_takes_long_comes_less_often(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def rest(self: object, seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0.01)

    times = count()
    monkeypatch.setattr(shell.Shell, "_rest", rest)
    monkeypatch.setattr(shell, "process_time", lambda: next(times) * 0.25)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: len(waits) > 2)

    watch(config, scene)
    assert set(waits) == {15.0}
