"""What the tabs ask of Redis: they write nothing, ask no more than they show, and filter by what they say."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import teep
from teep.top.lists.views import Tab, View
from teep.top.tabs import Tabs, metrics
from teep.top.tabs.queues import QueueJobs
from teep.wire import keys
from tests.api.trips import asked
from tests.support.servers import Server
from tests.web.browser import releases

pytestmark = pytest.mark.one_server

GONE = "0" * 24


@pytest.fixture
def reader(fleet: Server, config: teep.Config) -> Iterator[teep.Config]:
    """A user who may not write, on a fleet with a dead process, a forgotten batch, and limits held for too long."""
    fleet.client.sadd("processes", "dead:1:a")
    for listed in (keys.batches(), keys.workflows()):
        fleet.client.zadd(listed, {GONE: 2e9})
    for limiter in teep.LimiterSet(config=config):
        fleet.client.zadd(keys.limit_line(limiter.name), {b"gone": 1, b"waits": -1e16 + 1})
    fleet.command("ACL", "SETUSER", "reader", "reset", "on", ">pw", "~*", "&*", "+@all", "-@write")
    yield teep.Config(redis_url=fleet.url.replace("redis://", "redis://reader:pw@"))
    fleet.command("ACL", "DELUSER", "reader")


async def read(tab: Tab, view: View) -> Sequence[Any]:
    view.take(await tab.read(view))
    for row in view.rows[:3]:
        await tab.detail(row, view)
        if isinstance(within := tab.enter(row, view), Tab):
            await read(within, View(within))
    return view.rows


async def every_mode(tab: Tab) -> list[Sequence[Any]]:
    view, found = View(tab), []
    for _ in tab.modes:
        found.append(await read(tab, view))
        view.next_mode()
    return found


@pytest.mark.parametrize("name", Tabs(teep.Config()))
def test_a_tab_writes_nothing(fleet: Server, config: teep.Config, reader: teep.Config, name: str) -> None:
    before = fleet.everything()
    for user in (reader, config):
        tab = Tabs(user)[name]
        assert asyncio.run(tab.is_used())
        assert all(asyncio.run(every_mode(tab)))
    assert fleet.everything() == before


def page(tab: Tab, text: str = "", mode: int = 0) -> View:
    """A list as it is with a filter, in one of the tab's modes."""
    view = View(tab, text)
    view.mode = mode
    view.take(asyncio.run(tab.read(view)))
    return view


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("batches", "", 6), ("batches", "tag:eu", 2), ("batches", "state:dead tag:eu", 1),
        ("batches", "state:dead", 2), ("batches", "tag:mail", 1),
        ("batches", "WAREHOUSE", 1), ("batches", 'tag:"eu" catalogue', 1), ("batches", "tag:nowhere", 0),
        ("workflows", "", 1), ("workflows", "state:running", 1), ("workflows", "state:success", 0),
        ("workflows", "2026-11", 1), ("workflows", "no such name", 0),
    ],
)  # fmt: skip
def test_batches_and_workflows_are_filtered(
    store: Server, config: teep.Config, name: str, text: str, found: int
) -> None:
    releases.keep(store, config)
    view = page(Tabs(config)[name], text)
    assert len(view.rows) == found
    assert view.listing is not None
    assert (f"{found} on this page match" in view.listing.note) is bool(text)


def test_a_filter_of_batches_that_means_nothing_says_so(config: teep.Config) -> None:
    tab = Tabs(config)["batches"]
    view = View(tab)
    assert view.ask("state:failed") == [
        "state must be one of running, success, dead, finished, invalid, not 'failed'"
    ]
    assert view.filter.text == ""
    assert "state:dead" in tab.words(view)


def test_a_search_for_batches_goes_on_where_it_ended(store: Server, config: teep.Config) -> None:
    bids = [teep.Batch(config=config, description=f"import {number % 2}") for number in range(120)]
    for batch in bids:
        with batch.jobs():
            pass
    tab = Tabs(config)["batches"]
    view = View(tab, "import 1")
    seen: list[str] = []
    while True:
        view.take(asyncio.run(tab.read(view)))
        seen += [row.key for row in view.rows]
        if not view.turn(forward=True):
            break
    assert sorted(seen) == sorted(batch.bid for batch in bids[1::2])


def test_a_queue_is_shown_from_either_end(store: Server, config: teep.Config) -> None:
    for number in range(120):
        store.client.lpush("queue:q", json.dumps({"class": "A", "args": [number], "jid": f"{number}", "queue": "q"}))
    tab = QueueJobs(config, "q")
    view = page(tab)
    assert [row.key for row in view.rows] == [str(number) for number in range(50)]
    view.next_mode()
    view.take(asyncio.run(tab.read(view)))
    assert [row.key for row in view.rows] == [str(number) for number in range(119, 69, -1)]
    assert view.turn(forward=True)
    view.take(asyncio.run(tab.read(view)))
    assert view.rows[0].key == "69"


@pytest.mark.usefixtures("fleet")
def test_metrics_are_asked_for_once_a_minute(config: teep.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = Tabs(config)["metrics"]
    now = 1000.0
    monkeypatch.setattr(metrics, "monotonic", lambda: now)
    view = page(tab)
    with asked() as commands:
        now += 59
        assert [row.key for row in page(tab).rows] == [row.key for row in view.rows] != []
        assert commands == []
        page(tab, mode=1)
        assert commands
        commands.clear()
        now += 60
        page(tab, mode=1)
        assert commands


@pytest.mark.usefixtures("fleet")
def test_queues_ask_for_no_running_jobs(config: teep.Config) -> None:
    view = Tabs(config)["queues"]
    with asked() as commands:
        page(view)
    assert commands
    assert not [command for command in commands if ":work" in str(command.args)]
