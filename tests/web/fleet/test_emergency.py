"""The emergency box: everything at once, once the count is typed, and on record."""

from typing import Any

import teep
from teep.web import VIEWER, Access
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor
from tests.web.fleet.fleet import beat
from tests.web.visitor import Visitor, links, text_of


def test_it_is_reachable_from_busy_and_queues(visitor: Visitor) -> None:
    for path in ("/busy", "/queues"):
        assert "/emergency" in links(visitor.get(path))


def test_nothing_to_do_is_said(visitor: Visitor) -> None:
    text = text_of(visitor.get("/emergency"))
    assert text.count("There is none to do this to.") == 3


def test_all_queues_are_paused_and_resumed(visitor: Visitor, store: Server, config: teep.Config) -> None:
    store.client.sadd("queues", "a", "b", "c/d")
    store.client.sadd("paused", "a")
    heard: list[Any] = []
    config.on("audit", heard.append)
    assert "Workers leave 2 more queues alone" in text_of(visitor.get("/emergency"))
    for wrong in ("", "3", "yes"):
        page = visitor.post("/emergency/pause", {"total": "2", "confirm": wrong})
        assert "Nothing was done" in text_of(page)
    assert store.client.smembers("paused") == {b"a"}
    assert "2 queues are paused." in text_of(visitor.post("/emergency/pause", {"total": "2", "confirm": "2"}))
    assert store.client.smembers("paused") == {b"a", b"b", b"c/d"}
    answer = visitor.post("/emergency/resume", {"total": "3", "confirm": "3"})
    assert "3 queues are served again." in text_of(answer)
    assert store.client.exists("paused") == 0
    assert [(one["verb"], one["of"], one["count"]) for one in heard] == [
        ("pause all", "queues", 2), ("resume all", "queues", 3),
    ]  # fmt: skip


def test_all_processes_are_quieted(visitor: Visitor, store: Server) -> None:
    beat(store, "a:1:x")
    beat(store, "b:1:x", quiet="true")
    beat(store, "c:1:x", info={"embedded": True})
    answer = visitor.post("/emergency/quiet", {"total": "1", "confirm": "1"})
    assert "1 process is told to take no more jobs." in text_of(answer)
    assert store.client.lrange("a:1:x-signals", 0, -1) == [b"TSTP"]
    assert store.client.exists("b:1:x-signals", "c:1:x-signals") == 0


def test_roles(visit: MakeVisitor, store: Server) -> None:
    store.client.sadd("queues", "a")
    viewer = visit(authorize=lambda _: VIEWER)
    assert "You may not do this" in text_of(viewer.get("/emergency"))
    assert viewer.post("/emergency/pause", {"total": "1", "confirm": "1"}).status_code == 403
    pauser = visit(authorize=lambda _: Access(act={"pause"}))
    assert "Quiet all" not in text_of(pauser.get("/emergency"))
    assert pauser.post("/emergency/quiet", {"total": "1", "confirm": "1"}).status_code == 403
    assert pauser.post("/emergency/explode", {"total": "1", "confirm": "1"}).status_code == 404
    assert store.client.exists("paused") == 0
