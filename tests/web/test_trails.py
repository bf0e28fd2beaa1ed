"""How queues and running jobs went lately: a line beside the number, and what arrives, leaves and is left."""

import asyncio
import re
import time
from datetime import UTC, datetime

import pytest

import teep
import teep.web
from teep.api import QueueSummary
from teep.web import live, trails
from teep.web.pages.fleet.flow import flow
from teep.web.trails import KEPT, Trails, trail_of
from tests.support.servers import Server
from tests.web.conftest import payload
from tests.web.visitor import Visitor, text_of


def test_a_line_ends_now_and_is_broken_where_nobody_looked() -> None:
    trail = trail_of([(0, 7), (700, 0), (850, 5), (1000 - KEPT / 100, 10), (1000, 5)])
    assert trail.drawn == "M0 19.0M50 10.0M99 1.0L100 10.0"
    assert trail_of([(1, 0), (2, 0)]).drawn == "M100 19.0L100 19.0"
    assert len(trail_of([(n, n) for n in range(300)]).drawn) < 500
    assert (trail_of([(1, 5)]).drawn, trail_of([]).drawn) == ("", "")


def test_a_change_is_that_of_the_last_minute() -> None:
    assert trail_of([(0, 900), (60, 100), (100, 20)]).change == -2
    assert trail_of([(0, 1), (2, 5)]).change is None
    assert trail_of([]).change is None


def test_names_that_are_gone_are_forgotten_and_others_not() -> None:
    noted = Trails()
    for now in (1, 1.2, 10, 30):
        noted.note({"a": now, "b": 1}, now=now)
    assert [point.value for point in noted.trail("a").points] == [1, 10, 30]
    noted.note({"a": 2}, whole=False, now=40)
    assert len(noted.trail("b").points) == 3
    noted.note({"b": 2}, now=50)
    assert noted.trail("a").points == ()
    noted.note(dict.fromkeys(map(str, range(2000)), 0.0), now=60)
    assert (len(noted.trail("999").points), len(noted.trail("1000").points)) == (1, 0)


@pytest.mark.parametrize(
    ("size", "latency", "pushed", "sizes", "expected"),
    [
        (600, 600, 990, [(960, 680), (1000, 600)], (10, 12, 300, False)),
        (600, 600, 990, [(960, 520), (1000, 600)], (10, 8, None, True)),
        (50, 25, None, [(960, 50), (1000, 50)], (2, 2, None, False)),
        (50, 25, None, [], (2, None, None, False)),
        (9, 25, None, [], (None, None, None, False)),
        (600, 600, 1001, [], (None, None, None, False)),
        (0, 0, None, [(960, 40), (1000, 0)], (None, None, None, False)),
    ],
)
def test_a_queue_flows(
    size: int, latency: float, pushed: float | None, sizes: list[tuple[float, float]], expected: object
) -> None:
    summary = QueueSummary("default", size, latency, paused=False)
    at = None if pushed is None else datetime.fromtimestamp(pushed, UTC)
    assert flow(summary, at, trail_of(sizes), now=1000) == expected


def test_pages_draw_how_queues_and_running_jobs_went(
    config: teep.Config, runner: asyncio.Runner, store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trails, "_APART", 0.001)
    now = time.time()
    store.client.sadd("queues", "default")
    pushed = [payload(n, enqueued_at=int((now - 600) * 1000)) for n in range(120)]
    store.client.lpush("queue:default", *pushed)
    app = teep.web.app(config)
    visitor = Visitor(app, runner)
    assert "<svg" not in visitor.get("/").text
    store.client.lpop("queue:default", 30)
    for path in ("/queues", "/", "/queues/default"):
        page = visitor.get(path)
        assert re.search(
            r'<svg class="spark"[^>]*role="img"><title>Jobs, lately: 120, then 90 after \d+ ms', page.text
        )
        assert "style=" not in page.text
    assert "Arrive a minute 9.0 " in text_of(page)
    recent = live.Sampler.of(app.site).recent
    recent.extend(live.Sample(now - 9 + n, {"workers_size": n}) for n in range(10))
    assert "<title>Busy, lately: 0, then 9 after 9 s</title>" in visitor.get("/busy").text
    visitor.close()
