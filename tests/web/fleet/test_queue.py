"""One queue: its jobs by pages, what holds it, and what is done to it and to them."""

import asyncio
import json
import re
from typing import Any

import pytest

import teep
from teep.web import OPERATOR, VIEWER, bulks
from teep.web.urls import to_path
from tests.api.trips import sent
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import MakeVisitor, payload
from tests.web.fleet.fleet import RUBY, beat, capsule
from tests.web.test_hostile import STRANGE, XSS
from tests.web.visitor import Visitor, text_of

NAMES = ["default", "a/b", "..", "~x", "a b?c#d%2F", "héllo 日本", XSS, "x" * 300]


def fill(store: Server, count: int, queue: str = "default", **fields: Any) -> None:
    """Push jobs; number 0 is the next to run."""
    store.client.sadd("queues", queue)
    for start in range(0, count, 1000):
        numbers = range(start, min(start + 1000, count))
        store.client.lpush(f"queue:{queue}", *(payload(n, queue=queue, **fields) for n in numbers))


def keys(visitor: Visitor, path: str) -> list[str]:
    return re.findall(r'name="key" value="([^"]+)"', visitor.get(path).text)


def numbers(visitor: Visitor, path: str) -> list[int]:
    return [int(key.partition("-")[2], 16) for key in keys(visitor, path)]


def left(store: Server, queue: str = "default") -> list[Any]:
    """The jobs of a queue, the next to run first."""
    return [json.loads(raw)["args"][0] for raw in reversed(store.client.lrange(f"queue:{queue}", 0, -1))]


@pytest.mark.parametrize("order", ["", "&direction=desc"])
def test_pages_lead_to_each_job_once(visitor: Visitor, store: Server, order: str) -> None:
    fill(store, 60)
    seen: list[int] = []
    path = f"/queues/default?count=25{order}"
    while path:
        seen += numbers(visitor, path)
        following = re.findall(r'rel="next" href="\.\./([^"]+)"', visitor.get(path).text)
        path = "/" + following[0].replace("&amp;", "&") if following else ""
    assert seen == (list(range(59, -1, -1)) if order else list(range(60)))


def test_there_is_a_way_back_and_sidekiqs_pages_are_found(visitor: Visitor, store: Server) -> None:
    fill(store, 60)
    page = visitor.get("/queues/default?page=2&count=25")
    assert "26\u201350 of 60" in text_of(page)
    back = re.findall(r'rel="prev" href="\.\.([^"]+)"', page.text)[0].replace("&amp;", "&")
    assert numbers(visitor, back) == list(range(25))
    assert "Nothing lies beyond here" in text_of(visitor.get("/queues/default?page=9"))


def test_jobs_are_found(visitor: Visitor, store: Server, monkeypatch: Any) -> None:
    fill(store, 5000)
    monkeypatch.setattr("teep.web.lists.SEARCH_SECONDS", 30)
    assert numbers(visitor, "/queues/default?q=[4999]") == [4999]
    assert numbers(visitor, "/queues/default?q=class:job_1&count=50") == list(range(1, 151, 3))
    assert "did you mean class:?" in text_of(visitor.get("/queues/default?q=clas:x"))
    assert "No job matches" in text_of(visitor.get("/queues/default?q=class:nothing"))
    monkeypatch.setattr("teep.web.lists.SEARCH_SECONDS", 0)
    page = visitor.get("/queues/default?q=[4999]")
    assert "Searched 2,000 of 5,000 so far" in text_of(page)
    following = re.findall(r'rel="next" href="\.\.([^"]+)"', page.text)[0].replace("&amp;", "&")
    assert "Searched 4,000 of 5,000 so far" in text_of(visitor.get(following))


def test_the_pages_of_a_search_lead_to_each_job_once(visitor: Visitor, store: Server) -> None:
    fill(store, 200)
    seen: list[int] = []
    path = "/queues/default?q=class:job_1"
    while path:
        seen += numbers(visitor, path)
        following = re.findall(r'rel="next" href="\.\.([^"]+)"', visitor.get(path).text)
        path = following[0].replace("&amp;", "&") if following else ""
    assert seen == list(range(1, 200, 3))


HELD = [
    ({}, {}, "No live process serves this queue"),
    ({"quiet": "true"}, {}, "All processes that serve this queue are quiet"),
    ({"busy": 5}, {}, "All 5 threads that serve this queue are busy"),
    ({}, {"paused": True}, "The queue is paused"),
    ({}, {"served": True}, None),
]


@pytest.mark.parametrize(("fields", "how", "said"), HELD)
def test_what_holds_it_is_said(
    visitor: Visitor, store: Server, fields: dict[str, Any], how: dict[str, Any], said: str | None
) -> None:
    fill(store, 1)
    if fields or how:
        beat(store, "a:1:x", **fields)
    if how.get("paused"):
        store.client.sadd("paused", "default")
    text = text_of(visitor.get("/queues/default"))
    held = [one for _, _, one in HELD if one and one in text]
    assert held == ([said] if said else [])


def test_it_tells_who_serves_it(visitor: Visitor, store: Server) -> None:
    fill(store, 3)
    slow = {"slow": capsule("default", mode="weighted", concurrency=2, weight=3)}
    beat(store, "a:1:x", [{}], info={"capsules": slow})
    beat(store, "b:1:x", info={"capsules": slow}, quiet="true")
    beat(store, "c:1:x", info=RUBY)
    text = text_of(visitor.get("/queues/default"))
    assert "slow weighted 3 2 1 quiet 4 1" in text
    assert "not told \u2013 1 1 5 0" in text


def test_classes_are_counted_at_once_or_when_asked(visitor: Visitor, store: Server, monkeypatch: Any) -> None:
    fill(store, 9)
    page = visitor.get("/queues/default")
    assert re.search(r"app\.job_1 3 ", text_of(page))
    (link,) = re.findall(r'href="\.\.(/queues/default\?q=class%3Aapp.job_1)"', page.text)
    assert numbers(visitor, link) == [1, 4, 7]
    monkeypatch.setattr("teep.web.pages.fleet.queue.GROUPED", 5)
    assert "Jobs by class" not in text_of(visitor.get("/queues/default"))
    asked = visitor.get("/queues/default?groups=yes")
    assert "Jobs by class" in text_of(asked)
    assert "data-still" in asked.text


@pytest.mark.parametrize("name", NAMES)
def test_any_name_has_a_page_and_its_buttons_work(visitor: Visitor, store: Server, name: str) -> None:
    fill(store, 3, name)
    listed = visitor.get("/queues").text
    path = f"/queues/{to_path(name)}"
    assert f'href=".{path}"' in listed
    page = visitor.get(path)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert len(keys(visitor, path)) == 3
    assert visitor.get(f"{path}/jobs/{keys(visitor, path)[0]}").status_code == 200
    assert visitor.get(f"{path}/jobs/{keys(visitor, path)[0]}/raw").status_code == 200
    assert visitor.post(path, {"pause": "1"}).status_code == 200
    assert store.client.sismember("paused", name)
    assert "1 job is deleted" in text_of(
        visitor.post(f"{path}/jobs", {"key": keys(visitor, path)[:1], "delete": "1"})
    )
    moved = visitor.post(f"{path}/all/move", {"to": "elsewhere", "confirm": "yes"})
    assert "2 jobs are in the other queue." in text_of(moved)
    assert left(store, "elsewhere") == [1, 2]
    visitor.post(path, {"delete": "1", "confirm": "yes"})
    assert not store.client.sismember("queues", name)


@pytest.mark.parametrize("how", ["ticked", "one", "sidekiq", "all", "matching"])
def test_jobs_are_deleted(visitor: Visitor, store: Server, how: str) -> None:
    fill(store, 6)
    names = keys(visitor, "/queues/default")
    raw = store.command("LINDEX", "queue:default", -2).decode()
    asked: dict[str, tuple[str, dict[str, Any], list[int]]] = {
        "ticked": ("/jobs", {"key": [names[0], names[5]], "delete": "1"}, [1, 2, 3, 4]),
        "one": (f"/jobs/{names[2]}", {"delete": "1"}, [0, 1, 3, 4, 5]),
        "sidekiq": ("/delete", {"key_val": raw}, [0, 2, 3, 4, 5]),
        "all": ("/all/delete", {"confirm": "yes"}, []),
        "matching": ("/all/delete", {"confirm": "yes", "q": "class:job_1"}, [0, 2, 3, 5]),
    }
    path, form, rest = asked[how]
    answer = visitor.post(f"/queues/default{path}", form)
    assert answer.url.path == "/queues/default"
    assert re.search(rf"{6 - len(rest)} jobs? (is|are) deleted", text_of(answer))
    assert left(store) == rest


@pytest.mark.parametrize("how", ["ticked", "one", "all", "matching"])
def test_jobs_are_moved(visitor: Visitor, store: Server, how: str) -> None:
    fill(store, 6)
    names = keys(visitor, "/queues/default")
    asked: dict[str, tuple[str, dict[str, Any], list[int]]] = {
        "ticked": ("/jobs", {"key": [names[0], names[5]]}, [0, 5]),
        "one": (f"/jobs/{names[2]}", {}, [2]),
        "all": ("/all/move", {"confirm": "yes"}, [0, 1, 2, 3, 4, 5]),
        "matching": ("/all/move", {"confirm": "yes", "q": "class:job_1"}, [1, 4]),
    }
    path, form, gone = asked[how]
    answer = visitor.post(f"/queues/default{path}", {**form, "move": "1", "to": " other "})
    assert re.search(r"jobs? (is|are) in the other queue", text_of(answer))
    assert left(store, "other") == gone
    assert left(store) == [number for number in range(6) if number not in gone]
    assert {json.loads(raw)["queue"] for raw in store.client.lrange("queue:other", 0, -1)} == {"other"}


@pytest.mark.parametrize("to", ["", " ", "default"])
@pytest.mark.parametrize("path", ["/jobs", "/all/move"])
def test_a_move_needs_another_queue(visitor: Visitor, store: Server, path: str, to: str) -> None:
    fill(store, 2)
    form = {"key": keys(visitor, "/queues/default"), "move": "1", "to": to, "confirm": "yes"}
    assert "Name another queue" in text_of(visitor.post(f"/queues/default{path}", form))
    assert left(store) == [0, 1]


def test_a_job_is_found_though_others_were_taken_and_pushed(visitor: Visitor, store: Server) -> None:
    fill(store, 50)
    name = keys(visitor, "/queues/default")[20]
    store.client.rpop("queue:default", 10)
    store.client.lpush("queue:default", *(payload(n) for n in range(100, 110)))
    visitor.post("/queues/default/jobs", {"key": [name], "delete": "1"})
    assert 20 not in left(store)
    assert store.client.llen("queue:default") == 49
    gone = visitor.post("/queues/default/jobs", {"key": [name], "delete": "1"})
    assert "could not be reached" in text_of(gone)
    assert "no longer here" in text_of(visitor.get(f"/queues/default/jobs/{name}"))
    assert "No job was ticked" in text_of(visitor.post("/queues/default/jobs", {"delete": "1"}))


def test_the_whole_queue_is_deleted_once_that_is_confirmed(
    visitor: Visitor, store: Server, config: teep.Config
) -> None:
    fill(store, 1200)
    heard: list[Any] = []
    config.on("audit", heard.append)
    page = visitor.post("/queues/default", {"delete": "Delete"})
    assert "Delete the queue default with 1,200 jobs?" in text_of(page)
    for wrong in ("yes", "1199", " "):
        page = visitor.post("/queues/default", {"delete": "1", "total": "1200", "confirm": wrong})
        assert "Nothing was done" in text_of(page)
    assert store.client.llen("queue:default") == 1200
    answer = visitor.post("/queues/default", {"delete": "1", "total": "1200", "confirm": "1,200"})
    assert answer.url.path == "/queues"
    assert "with 1,200 jobs" in text_of(answer)
    assert store.client.exists("queue:default") == 0
    assert {(one["verb"], one["dry_run"]) for one in heard} == {("clear", True), ("clear", False)}


def test_very_many_are_moved_beside_the_page(visitor: Visitor, store: Server, runner: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(bulks, "AT_ONCE", 100)
    fill(store, 700)
    page = visitor.post("/queues/default/all/move", {"to": "other", "confirm": "yes", "total": "700"})
    assert re.search(r"/actions/[0-9a-f]{16}$", page.url.path)

    def is_done() -> bool:
        runner.run(asyncio.sleep(0.01))
        return "700 jobs are in the other queue." in text_of(visitor.get(page.url.path))

    wait_until(is_done, 30, "every job to be in the other queue")
    assert left(store, "other") == list(range(700))
    assert "default" in text_of(visitor.get(page.url.path))


def test_every_row_renders_and_can_be_deleted(visitor: Visitor, store: Server) -> None:
    names = ("class", "queue", "jid", "error_class", "error_message")
    hostile = payload(1, **dict.fromkeys(names, XSS), args=[XSS, {XSS: XSS}], tags=[XSS])
    store.client.lpush("queue:default", *STRANGE, hostile)
    page = visitor.get("/queues/default")
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert "12345678901234567890123" in page.text
    found = keys(visitor, "/queues/default")
    assert len(found) == len(STRANGE) + 1
    for name in found:
        shown = visitor.get(f"/queues/default/jobs/{name}")
        assert shown.url.path == f"/queues/default/jobs/{name}"
        assert "<script>alert" not in shown.text
    visitor.post("/queues/default/jobs", {"key": found[:5], "delete": "1"})
    for name in found[5:]:
        visitor.post(f"/queues/default/jobs/{name}", {"delete": "1"})
    assert store.client.llen("queue:default") == 0


@pytest.mark.parametrize("query", [
    "after=x", "after=inf_0", "after=-inf_0", "before=inf_1", "after=-5_1", "before=3.0_0", "after=1e300_5", "page=0",
    "page=x", "page=999999", "direction=x", "count=0", "q=%00", "q=%ff", "groups=", "after=0_999999999999999",
])  # fmt: skip
def test_no_query_breaks_it(visitor: Visitor, store: Server, query: str) -> None:
    fill(store, 3)
    for path in ("/queues/default", "/queues", "/busy", "/queues/none"):
        assert visitor.get(f"{path}?{query}").status_code == 200


def test_roles(visit: MakeVisitor, store: Server) -> None:
    fill(store, 2, args=["secret-4711"])
    viewer, operator = visit(authorize=lambda _: VIEWER), visit(authorize=lambda _: OPERATOR)
    assert (
        "<button class"
        not in viewer.get("/queues/default").text.partition('class="filter"')[0].partition("</header>")[2]
    )
    assert 'name="key"' not in viewer.get("/queues/default").text
    forms: list[tuple[str, dict[str, str]]] = [
        ("", {"delete": "1"}), ("/delete", {"key_val": "x"}), ("/jobs", {"delete": "1"}), ("/all/delete", {}),
    ]  # fmt: skip
    for path, form in forms:
        assert operator.post(f"/queues/default{path}", form).status_code == 403
    for path, form in [*forms, ("", {"pause": "1"}), ("/all/move", {"to": "x"}), ("/jobs", {"move": "1"})]:
        assert viewer.post(f"/queues/default{path}", form).status_code == 403
    assert operator.post("/queues/default/all/move", {"to": "x"}).status_code == 200
    assert "secret-4711" not in visit(arguments="hide").get("/queues/default").text
    assert left(store) == ["secret-4711"] * 2


def test_what_is_not_sent_is_said(visitor: Visitor, store: Server) -> None:
    fill(store, 1)
    for path in ("", "/jobs", "/delete"):
        assert visitor.post(f"/queues/default{path}", {"explode": "1"}).status_code == 400
    assert visitor.post("/queues/default/all/delete", {"q": "clas:x", "confirm": "yes"}).status_code == 400
    assert visitor.post("/queues/default/all/explode").status_code == 404
    assert "no longer here" in text_of(visitor.get("/queues/default/jobs/nonsense"))
    assert left(store) == [0]


def test_a_look_costs_three_round_trips(visitor: Visitor, store: Server) -> None:
    fill(store, 100)
    beat(store, "a:1:x", [{}])
    visitor.get("/queues/default")
    with sent() as commands:
        page = visitor.get("/queues/default")
    assert len(commands) == 3  # two for all that it shows, and one for the queue's classes
    assert len(page.text) < 60_000
