"""Redis away: a line says so, the last data stays, and it goes on by itself."""

import pytest

import teep
from tests.conftest import ServerFactory
from tests.top.seeing import Seen, retry, watch

pytestmark = pytest.mark.one_server


@pytest.mark.slow("a server of its own is stopped and started again")
def test_a_line_says_so_and_it_comes_back_by_itself(fresh_server: ServerFactory) -> None:
    server = fresh_server("valkey", append_only=True)
    retry(server, 1, 2e9)
    config = teep.Config(redis_url=server.url)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 1")
        server.stop()
        await seen.until("! since ")
        assert "as it was then; no connection to Redis" in seen.text
        assert "no answer 1" in seen.text
        await seen.press("D", "y")
        await seen.until(lambda: seen.app.doing is None)
        await seen.press("right", "left", ":")
        await seen.type("jid abc")
        await seen.press("space")
        await seen.until("no answer 1")
        await seen.press("escape")
        server.restart()
        await seen.until(lambda: not seen.app.feed.trouble)
        await seen.until(lambda: "! since" not in seen.text)
        retry(server, 2, 2e9)
        await seen.until(lambda: len(seen.view.rows) == 2)

    watch(config, scene, size=(120, 30))


def test_it_opens_though_there_is_no_redis(offline: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.until("no connection to Redis")
        await seen.until("[Dashboard]")
        await seen.press("right", "j", "enter", "R", "m", "escape", "?", "escape")
        assert "Reading …" in seen.text

    watch(offline, scene)


def test_a_user_who_may_not_read_something_is_told_so(fresh_server: ServerFactory) -> None:
    server = fresh_server("valkey")
    server.client.set("retry", "no set")

    async def scene(seen: Seen) -> None:
        await seen.until("WRONGTYPE")

    watch(teep.Config(redis_url=server.url), scene)
