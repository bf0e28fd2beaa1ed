"""Fields of any type, and values of any size: each tab and each detail shows what it can."""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest

import teep
from teep.config import overridden
from teep.errors import InvalidValue
from teep.top.lists.text import as_json
from teep.top.lists.views import Tab, View
from teep.top.tabs import Tabs
from tests.support import golden
from tests.support.servers import Server
from tests.web.fleet.fleet import beat

pytestmark = pytest.mark.one_server

DIGITS = "9" * 5_000
ODD: list[Any] = [None, 7, -1, 1e300, "", "x", True, [], [[1]], {"a": 1}, {"weights": 5}, [{"weights": [1]}], 10**400]
LONG = (DIGITS[:4_000], DIGITS)
DEEP = "[" * 50_000 + "]" * 50_000


def brief(value: Any) -> str:
    """A value as the name of a test case has it."""
    return str(value)[:9]


def looked_at(config: teep.Config, name: str, *within: str) -> View:
    """A tab's list with every detail of it, in its modes, and what is entered from a row."""
    tab = Tabs(config)[name]

    async def look(tab: Tab, view: View) -> None:
        view.take(await tab.read(view))
        for row in view.rows:
            assert all(isinstance(cell, str) for cell in row.cells)
            assert await tab.detail(row, view) is not None
            if isinstance(entered := tab.enter(row, view), Tab):
                await look(entered, View(entered))

    async def all_modes() -> View:
        view = View(tab)
        for _ in tab.modes:
            await look(tab, view)
            view.next_mode()
        return view

    return asyncio.run(all_modes())


@pytest.mark.parametrize(
    "field",
    ["hostname", "pid", "tag", "labels", "identity", "embedded", "started_at", "concurrency", "version", "capsules",
     "queues", "weights"],
)  # fmt: skip
def test_what_a_process_tells_of_itself(store: Server, config: teep.Config, field: str) -> None:
    for number, odd in enumerate(ODD):
        beat(store, f"host:{number}:a", [{}], info={field: odd})
    store.client.lpush("queue:default", b"{}")
    store.client.sadd("queues", "default")
    looked_at(config, "busy")
    looked_at(config, "queues")


@pytest.mark.parametrize("value", ["x", "", "-1", "nan", "inf", "1e300", *LONG, b"\xff"], ids=brief)
def test_what_a_heartbeat_says(store: Server, config: teep.Config, value: Any) -> None:
    for field in ("busy", "beat", "rss", "rtt_us", "concurrency", "late", "quiet"):
        beat(store, f"{field}:1:a", [{"run_at": 1}], **{field: value})
    looked_at(config, "busy")
    looked_at(config, "dashboard")


@pytest.mark.parametrize("odd", [*ODD, "nan", DIGITS], ids=brief)
def test_what_a_running_job_says(store: Server, config: teep.Config, odd: Any) -> None:
    fields = ("queue", "run_at", "payload", "progress")
    beat(store, "host:1:a")
    for field in fields:
        told = {"queue": "q", "run_at": 1, "payload": "{}", field: odd}
        store.client.hset("host:1:a:work", field, json.dumps(told))
        progress = {"queue": "q", "run_at": 1, "payload": "{}", "progress": {"done": odd, "note": odd, "at": odd}}
        store.client.hset("host:1:a:work", f"{field}+", json.dumps(progress))
    looked_at(config, "busy")


@pytest.mark.parametrize("value", ["deep", 10**4400], ids=["deep", "long"])
def test_what_json_cannot_write_out(value: Any) -> None:
    deep = value
    for _ in range(2_000):
        deep = [deep]
    assert "y shows the payload" in as_json(deep)
    assert "y shows the payload" in as_json(deep, indent=2)


@pytest.mark.parametrize("name", ["retries", "scheduled", "dead", "errors"])
def test_what_a_job_holds(store: Server, config: teep.Config, name: str) -> None:
    key = {"retries": "retry", "scheduled": "schedule", "errors": "dead"}.get(name, name)
    whole = {"class": "A", "args": [], "jid": "j", "queue": "q", "retry_count": 0, "error_class": "E",
             "error_message": "m", "created_at": 1, "enqueued_at": 1, "failed_at": 1, "retried_at": 1, "bid": "b",
             "tags": [], "kwargs": {}, "error_backtrace": [], "other": 1}  # fmt: skip
    for number, field in enumerate(whole):
        for odd in ODD:
            store.client.zadd(key, {json.dumps({**whole, field: odd}): number})
        for raw in (DEEP, DEEP[49_600:50_400], DEEP[49_000:51_000], *LONG):
            text = json.dumps({**whole, field: "@"}).replace('"@"', raw)
            store.client.zadd(key, {text: number})
    looked_at(config, name)


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("value", ["", "x", "-1", "nan", "inf", "1e300", *LONG, b"\xff\x00", DEEP], ids=brief)
def test_what_batches_and_limits_hold(store: Server, config: teep.Config, value: Any) -> None:
    with teep.Batch(config=config, tags=["a"]).on("success", "A").jobs():
        teep.Client(config).push({"class": "A", "args": [], "queue": "q"})
    flow = teep.Workflow("w", config=config)
    flow.add("a", teep.job(name="a")(lambda: None).s())
    flow.start()
    limit = teep.limits.window("w", 5, per=60)
    with overridden(config), limit.within_limit():
        pass
    for key in store.client.keys("*teep*"):
        if store.command("TYPE", key) == b"hash":
            before = store.command("HGETALL", key)
            for field in [*before, b"on:death", b"parent", b"fired:success"]:
                store.client.hset(key, field, value)
                for name in ("batches", "workflows", "limits"):
                    looked_at(config, name)
                store.client.hset(key, mapping=before)


@pytest.mark.parametrize("typed", [DIGITS, "-1", "1.5", "\u00b2", "many"], ids=brief)
def test_a_limit_that_is_typed_is_a_number_that_redis_can_count_to(config: teep.Config, typed: str) -> None:
    tab = Tabs(config)["limits"]
    verb = next(verb for verb in tab.verbs(View(tab)) if verb.name == "set another limit")
    with pytest.raises(InvalidValue, match="whole number of up to 15 digits"):
        asyncio.run(_awaited(verb.some([], lambda *_: None, typed)))


async def _awaited(work: Awaitable[int]) -> int:
    return await work


@pytest.mark.slow("some recorded steps of a Sidekiq, with all tabs")
@pytest.mark.parametrize("version", golden.VERSIONS)
def test_what_sidekiq_left(store: Server, config: teep.Config, version: str) -> None:
    for step in golden.steps(version)[::4]:
        store.flushall()
        golden.restore(store, golden.load(version, step))
        for name in Tabs(config):
            looked_at(config, name)
