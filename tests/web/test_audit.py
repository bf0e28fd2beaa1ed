"""The record of what was done: by which visitor, to which jobs, and also where it was cut short."""

import logging
from typing import Any

import pytest

import teep
from teep.api import AsyncSetSelection, AsyncSortedEntry
from teep.errors import NotMoved, RedisUnavailable
from teep.web import bulks
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import fill, payload
from tests.web.test_jobsets import key
from tests.web.visitor import Visitor, text_of


@pytest.fixture
def heard(config: teep.Config) -> list[dict[str, Any]]:
    """What a listener hears."""
    found: list[dict[str, Any]] = []
    config.on("audit", found.append)
    return found


def jid(number: int) -> str:
    return f"{number:024x}"


def test_the_jobs_are_named(visitor: Visitor, store: Server, heard: list[dict[str, Any]]) -> None:
    fill(store, "retry", 4)
    store.client.sadd("queues", "default")
    store.client.lpush("queue:default", payload(7), payload(8), payload(9))
    in_queue = f"0-{jid(7)}"
    visitor.post("/retries", {"key": [key(0), key(1)], "retry": "1"})
    visitor.post(f"/retries/{key(2)}", {"delete": "1"})
    visitor.post(f"/jobs/{jid(3)}", {"kill": "1"})
    visitor.post("/queues/default/jobs", {"key": in_queue, "move": "1", "to": "other"})
    visitor.post("/queues/default/delete", {"key_val": payload(8)})
    visitor.ask("POST", "/api/dead", json={"action": "delete", "keys": []}, headers={})
    assert [(one["verb"], one["filter"], one["count"]) for one in heard] == [
        ("retry", f"jid:{jid(0)},{jid(1)}", 2), ("delete", f"jid:{jid(2)}", 1), ("kill", f"jid:{jid(3)}", 1),
        ("move", f"jid:{jid(7)}", 1), ("delete", f"jid:{jid(8)}", 1), ("delete", "", 0),
    ]  # fmt: skip


def test_what_was_done_before_a_failure_is_recorded(
    visitor: Visitor, store: Server, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "retry", 3)
    delete = AsyncSortedEntry.delete

    async def cut(entry: AsyncSortedEntry) -> bool:
        if entry.jid == jid(1):
            raise RedisUnavailable("gone")
        return await delete(entry)

    monkeypatch.setattr(AsyncSortedEntry, "delete", cut)
    answer = visitor.post("/retries", {"key": [key(0), key(1), key(2)], "delete": "1"})
    assert (answer.status_code, store.client.zcard("retry")) == (503, 2)
    assert [(one["verb"], one["filter"], one["count"]) for one in heard] == [("delete", f"jid:{jid(0)}", 1)]


def test_what_redis_took_of_all_is_recorded(
    visitor: Visitor, store: Server, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: AsyncSetSelection, **__: Any) -> int:
        raise NotMoved("one was too large", 2)

    monkeypatch.setattr(AsyncSetSelection, "delete_all", refused)
    fill(store, "retry", 3)
    answer = visitor.post("/retries/all/delete", {"confirm": "yes"})
    assert (answer.status_code, heard[-1]["verb"], heard[-1]["count"]) == (409, "delete", 2)


def test_an_action_beside_the_page_is_recorded_as_it_begins_as_it_ends_and_as_it_is_cancelled(
    visitor: Visitor, store: Server, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulks, "AT_ONCE", 1)
    fill(store, "retry", 3)
    page = visitor.post("/retries/all/delete", {"confirm": "yes"})
    wait_until(lambda: "3 jobs are deleted" in text_of(visitor.get(page.url.path)), 30, "it to end")
    visitor.post(f"{page.url.path}/cancel")
    name = page.url.path.removeprefix("/")
    assert [(one["verb"], one["where"], one["count"], one.get("ending")) for one in heard] == [
        ("delete", "retries", 3, "running"), ("delete", "retries", 3, "done"), ("cancel", name, 1, None),
    ]  # fmt: skip


def test_a_line_of_the_log_says_whether_anything_was_done(
    visitor: Visitor, store: Server, caplog: pytest.LogCaptureFixture
) -> None:
    fill(store, "retry", 3)
    with caplog.at_level(logging.INFO, "teep.web.audit"):
        visitor.post("/retries/all/delete")
        visitor.post("/retries/all/delete", {"confirm": "yes"})
    counted, done = caplog.messages
    assert counted == f"{done} (only counted)"
