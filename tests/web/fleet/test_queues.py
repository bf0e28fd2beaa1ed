"""The list of queues: who serves each, what holds it, and the buttons."""

import re
from typing import Any

import pytest

import teep
from teep.web import OPERATOR, VIEWER
from teep.web.urls import to_path
from tests.api.trips import sent
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor
from tests.web.fleet.fleet import RUBY, beat, capsule
from tests.web.visitor import Visitor, text_of


def push(config: teep.Config, queue: str, count: int = 1) -> None:
    teep.Client(config).push_bulk({"class": "C", "args": [[n] for n in range(count)], "queue": queue})


def row(visitor: Visitor, queue: str) -> str:
    """What one reads of a queue's row."""
    found = re.search(rf'<tr id="queue-{re.escape(to_path(queue))}">.*?</tr>', visitor.get("/queues").text, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", found[0])).strip()


def test_none(visitor: Visitor) -> None:
    assert "There are no queues yet" in text_of(visitor.get("/queues"))


def test_each_queue_tells_who_serves_it(visitor: Visitor, store: Server, config: teep.Config) -> None:
    for name in ("default", "low", "lost", "calm"):
        push(config, name, 2)
    beat(store, "a:1:x", [{"queue": "default"}])
    beat(store, "b:1:x", info=RUBY)
    beat(store, "c:1:x", info={"capsules": {"one": capsule("calm", concurrency=3)}}, quiet="true")
    assert re.match(r"default 2 .* waiting 2 processes 10 threads 1 ", row(visitor, "default"))
    assert re.match(r"low 2 .* 1 process 5 threads 0 ", row(visitor, "low"))
    assert "nobody serves it" in row(visitor, "lost")
    assert "quiet" in row(visitor, "calm")


def test_all_threads_busy_is_said(visitor: Visitor, store: Server, config: teep.Config) -> None:
    push(config, "default")
    beat(store, "a:1:x", [{} for _ in range(5)])
    assert "all busy" in row(visitor, "default")
    beat(store, "b:1:x")
    assert "all busy" not in row(visitor, "default")


def test_a_queue_is_paused_and_resumed_from_the_list(visitor: Visitor, store: Server, config: teep.Config) -> None:
    push(config, "default")
    heard: list[Any] = []
    config.on("audit", heard.append)
    answer = visitor.post("/queues/default", {"pause": "yes", "back": "queues"})
    assert answer.url.path == "/queues"
    assert "Workers leave the queue default alone." in text_of(answer)
    assert "paused" in row(visitor, "default")
    visitor.post("/queues/default", {"unpause": "yes"})
    assert store.client.smembers("paused") == set()
    assert [(one["verb"], one["where"], one["of"]) for one in heard] == [
        ("pause", "queues/default", "queues"), ("unpause", "queues/default", "queues"),
    ]  # fmt: skip


def test_many_queues_are_paged_and_found(visitor: Visitor, config: teep.Config, store: Server) -> None:
    store.client.sadd("queues", *(f"q{number:03}" for number in range(120)))
    first, last = visitor.get("/queues"), visitor.get("/queues?page=3")
    assert (first.text.count('<tr id="queue-'), last.text.count('<tr id="queue-')) == (50, 20)
    assert 'rel="next" href="./queues?page=2"' in first.text
    assert visitor.get("/queues?q=Q01").text.count('<tr id="queue-') == 10
    assert "No queue is named like that" in text_of(visitor.get("/queues?q=zebra"))
    assert config is not None


def test_roles(visit: MakeVisitor, config: teep.Config) -> None:
    push(config, "default")
    viewer, operator = visit(authorize=lambda _: VIEWER), visit(authorize=lambda _: OPERATOR)
    assert "formaction" not in viewer.get("/queues").text
    assert 'name="delete"' not in operator.get("/queues").text
    assert viewer.post("/queues/default", {"pause": "1"}).status_code == 403
    assert operator.post("/queues/default", {"delete": "1"}).status_code == 403
    assert operator.post("/queues/default", {"pause": "1"}).status_code == 200


def test_a_look_costs_two_round_trips(visitor: Visitor, store: Server, config: teep.Config) -> None:
    for number in range(30):
        push(config, f"q{number}")
    beat(store, "a:1:x", [{}])
    visitor.get("/queues")
    with sent() as commands:
        visitor.get("/queues")
    assert len(commands) == 2  # for the summary, the queues and the fleet


@pytest.mark.parametrize("language", ["en", "vi", "de", "fr", "es", "ja"])
def test_pages_of_the_fleet_render_in_each_language(
    visitor: Visitor, store: Server, config: teep.Config, language: str
) -> None:
    push(config, "default")
    push(config, "low")
    beat(store, "a:1:x", [{}], info=RUBY)
    for path in ("/busy", "/queues", "/queues/default", "/queues/none", "/emergency"):
        assert visitor.get(path, headers={"accept-language": language}).status_code == 200
    for verb in ("quiet", "stop", "dump"):
        visitor.ask("POST", "/busy", data={verb: "1"}, headers={"accept-language": language, **_OURS})
    for verb in ("delete", "move"):
        answer = visitor.ask(
            "POST", f"/queues/default/all/{verb}", data={"to": "x"}, headers={"accept-language": language, **_OURS}
        )
        assert answer.status_code == 200


_OURS = {"Sec-Fetch-Site": "same-origin"}
