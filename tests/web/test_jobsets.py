"""Scheduled, Retries and Dead: found, paged, and acted on, as Sidekiq's forms do and beyond."""

import asyncio
import re
import time
from typing import Any

import pytest

import teep
from teep.api import AsyncSetSelection
from teep.api.web import AsyncWebActions
from teep.web import bulks
from teep.web.guard.access import VIEWER
from tests.api.trips import sent
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import MakeVisitor, fill, payload
from tests.web.visitor import Visitor, text_of

SETS = {"retry": "/retries", "schedule": "/scheduled", "dead": "/dead"}


def numbers(visitor: Visitor, path: str) -> list[int]:
    """The jobs of a page, by the last digits of their jids."""
    return [int(jid, 16) for jid in re.findall(r'name="key" value="[^"]+-([0-9a-f]{24})"', visitor.get(path).text)]


def key(number: int) -> str:
    return f"{1_000_000.0 + number!r}-{number:024x}"


@pytest.mark.parametrize("name", SETS)
def test_pages_lead_to_each_job_once(visitor: Visitor, store: Server, name: str) -> None:
    fill(store, name, 60)
    seen: list[int] = []
    path = f"{SETS[name]}?count=25"
    while path:
        seen += numbers(visitor, path)
        following = re.findall(r'rel="next" href="\./([^"]+)"', visitor.get(path).text)
        path = "/" + following[0].replace("&amp;", "&") if following else ""
    assert seen == (list(range(60)) if name != "dead" else list(range(59, -1, -1)))


def test_there_is_a_way_back(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 60)
    following = re.findall(r'rel="next" href="\.([^"]+)"', visitor.get("/retries").text)[0]
    page = visitor.get(following)
    assert "26\u201350 of 60" in text_of(page)
    back = re.findall(r'rel="prev" href="\.([^"]+)"', page.text)[0]
    assert numbers(visitor, back) == list(range(25))


@pytest.mark.parametrize(("query", "found"), [("class:job_1", 7), ("class:job_*", 20), ("[19]", 1), ("nothing", 0)])
def test_a_filter_chooses(visitor: Visitor, store: Server, query: str, found: int) -> None:
    fill(store, "retry", 20)
    page = visitor.get("/retries", params={"q": query})
    assert page.text.count('name="key"') == found
    assert ("No job matches" in text_of(page)) is (found == 0)
    assert visitor.get("/retries", params={"substr": query}).text.count('name="key"') == found


def test_what_cannot_be_read_is_said_and_chooses_nothing(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 3)
    page = visitor.get("/retries", params={"q": "clas:x older:soon"})
    assert "did you mean class:?" in text_of(page)
    assert "older: cannot be 'soon'" in text_of(page)
    assert 'name="key"' not in page.text
    assert visitor.post("/retries/all/delete", {"q": "clas:x", "confirm": "yes"}).status_code == 400
    assert store.client.zcard("retry") == 3


def test_a_search_that_takes_too_long_can_go_on(visitor: Visitor, store: Server, monkeypatch: Any) -> None:
    fill(store, "retry", 5000)
    monkeypatch.setattr("teep.web.lists.SEARCH_SECONDS", 0)
    page = visitor.get("/retries", params={"q": "[4999]"})
    assert "Searched 2,000 of 5,000 so far" in text_of(page)
    on = re.findall(r'rel="next" href="\.([^"]+)"', page.text)[0].replace("&amp;", "&")
    assert "Searched 4,000 of 5,000 so far" in text_of(visitor.get(on))


@pytest.mark.parametrize("name", SETS)
def test_an_empty_set_says_what_to_do(visitor: Visitor, name: str) -> None:
    assert re.search(r"No job (waits|is scheduled|is dead)", text_of(visitor.get(SETS[name])))


# Set, verb, and where the job is then.
VERBS = [
    ("retry", "retry", "queue:default"), ("retry", "kill", "dead"), ("retry", "delete", None),
    ("schedule", "add_to_queue", "queue:default"), ("schedule", "delete", None),
    ("dead", "retry", "queue:default"), ("dead", "delete", None),
]  # fmt: skip


def _size(store: Server, name: str | None) -> int:
    if name is None or not store.client.exists(name):
        return 0
    size = store.client.llen(name) if name.startswith("queue:") else store.client.zcard(name)
    return int(size)


@pytest.mark.parametrize(("name", "verb", "target"), VERBS)
@pytest.mark.parametrize("how", ["ticked", "sidekiq", "one", "all", "matching"])
def test_each_verb_does_what_it_says(
    visitor: Visitor, store: Server, name: str, verb: str, target: str | None, how: str
) -> None:
    fill(store, name, 3, retry_count=1)
    path = SETS[name]
    asked: dict[str, tuple[str, dict[str, Any], int]] = {
        "ticked": (path, {"key": [key(0), key(2)], verb: "yes"}, 2),
        "sidekiq": (path.replace("dead", "morgue"), {"key[]": [key(0)], verb: "Do it"}, 1),
        "one": (f"{path}/{key(1)}", {verb: "yes"}, 1),
        "all": (f"{path}/all/{verb}", {"confirm": "yes"}, 3),
        "matching": (f"{path}/all/{verb}", {"confirm": "yes", "q": "class:job_1"}, 1),
    }
    to, form, count = asked[how]
    answer = visitor.post(to, form)
    assert (answer.status_code, answer.url.path) == (200, path)
    assert re.search(rf"{count} jobs? (goes|go|is|are) (to|dead|deleted)", text_of(answer))
    assert store.client.zcard(name) == 3 - count
    assert _size(store, target) == (count if target else 0)


def test_a_dead_job_is_buried_once_more_as_sidekiqs_page_allows(
    visitor: Visitor, visit: MakeVisitor, store: Server
) -> None:
    fill(store, "dead", 1)
    assert 'name="kill"' not in visitor.get(f"/dead/{key(0)}").text
    assert visit(authorize=lambda _: VIEWER).post(f"/morgue/{key(0)}", {"kill": "Do it"}).status_code == 403
    assert visitor.post(f"/morgue/{key(0)}", {"kill": "Do it"}).status_code == 200
    ((_, score),) = store.command("ZRANGE", "dead", 0, -1, "WITHSCORES")
    assert float(score) > time.time() - 60


def test_nothing_ticked_is_said(visitor: Visitor) -> None:
    assert "No job was ticked" in text_of(visitor.post("/retries", {"delete": "yes"}))
    assert visitor.post("/retries", {"explode": "yes"}).status_code == 400
    assert visitor.post("/scheduled/all/kill", {"confirm": "yes"}).status_code == 404


def test_a_job_that_went_meanwhile_is_said(visitor: Visitor) -> None:
    assert "no longer here" in text_of(visitor.get(f"/retries/{key(1)}"))
    assert "could not be reached" in text_of(visitor.post(f"/retries/{key(1)}", {"retry": "yes"}))


def test_all_are_counted_and_confirmed_first(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 9)
    page = visitor.post("/retries/all/delete", {"q": "class:job_1"})
    assert "Delete 3 jobs?" in text_of(page)
    assert "class:job_1" in text_of(page)
    assert store.client.zcard("retry") == 9


def test_what_was_counted_and_typed_is_not_counted_again(
    visitor: Visitor, store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "retry", 1200)
    visitor.post("/retries/all/retry", {"q": "class:app.*"})
    monkeypatch.setattr(AsyncSetSelection, "count", None)
    page = visitor.post("/retries/all/retry", {"q": "class:app.*", "total": "1200", "confirm": "1 200"})
    assert "1,200 jobs go to their queues." in text_of(page)


def test_many_are_confirmed_by_typing_how_many(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 1200)
    page = visitor.post("/retries/all/delete")
    assert "Type 1,200 to confirm" in text_of(page)
    for wrong in ("yes", "1199", "", " "):
        page = visitor.post("/retries/all/delete", {"total": "1200", "confirm": wrong})
        assert "Nothing was done" in text_of(page)
        assert store.client.zcard("retry") == 1200
    page = visitor.post("/retries/all/delete", {"total": "1200", "confirm": "1,200"})
    assert "1,200 jobs are deleted" in text_of(page)
    assert store.client.zcard("retry") == 0


def test_very_many_run_beside_the_page_with_progress(
    visit: MakeVisitor, store: Server, runner: asyncio.Runner
) -> None:
    fill(store, "retry", 2500)
    visitor = visit()
    page = visitor.post("/retries/all/retry", {"total": "2500", "confirm": "2500"})
    assert re.search(r"/actions/[0-9a-f]{16}$", page.url.path)

    def is_done() -> bool:
        runner.run(asyncio.sleep(0.01))
        return "2,500 jobs go to their queues" in text_of(visitor.get(page.url.path))

    wait_until(is_done, 30, "every job to be in its queue")
    assert store.client.llen("queue:default") == 2500
    assert visitor.get("/actions/nothing").status_code == 404


def test_what_runs_beside_the_page_can_be_cancelled(
    visit: MakeVisitor, store: Server, monkeypatch: Any, config: teep.Config
) -> None:
    fill(store, "retry", 2500)
    heard: list[Any] = []
    config.on("audit", heard.append)
    visitor = visit()
    progressed = bulks.Bulk.progressed

    def cancelled(bulk: bulks.Bulk, looked_at: int, out_of: int) -> bool:
        bulk.is_cancelled = looked_at >= 1000
        return progressed(bulk, looked_at, out_of)

    monkeypatch.setattr(bulks.Bulk, "progressed", cancelled)
    page = visitor.post("/retries/all/delete", {"total": "2500", "confirm": "2500"})
    wait_until(lambda: "Cancelled" in text_of(visitor.get(page.url.path)), 30, "it to stop")
    assert "1,000 jobs are deleted" in text_of(visitor.get(page.url.path)), "what was done by then is told"
    assert store.client.zcard("retry") == 1500
    assert (heard[-1]["ending"], heard[-1]["count"]) == ("cancelled", 1000)
    assert visitor.post(f"{page.url.path}/cancel").status_code == 200


def test_what_is_cancelled_after_its_last_step_is_done(
    visit: MakeVisitor, store: Server, monkeypatch: Any, config: teep.Config
) -> None:
    monkeypatch.setattr(bulks, "AT_ONCE", 1)
    fill(store, "retry", 3)
    heard: list[Any] = []
    config.on("audit", heard.append)
    visitor = visit()
    progressed = bulks.Bulk.progressed

    def cancelled(bulk: bulks.Bulk, looked_at: int, out_of: int) -> bool:
        bulk.is_cancelled = True
        return progressed(bulk, looked_at, out_of)

    monkeypatch.setattr(bulks.Bulk, "progressed", cancelled)
    page = visitor.post("/retries/all/delete", {"confirm": "yes"})
    wait_until(lambda: "3 jobs are deleted" in text_of(visitor.get(page.url.path)), 30, "it to end")
    assert (heard[-1]["ending"], heard[-1]["count"]) == ("done", 3)


def test_another_process_shows_how_far_an_action_is_and_cancels_it(
    visit: MakeVisitor, store: Server, config: teep.Config, runner: asyncio.Runner, monkeypatch: Any
) -> None:
    fill(store, "retry", 2500)
    one, other = visit(), visit()
    page = one.post("/retries/all/retry", {"total": "2500", "confirm": "2500"})
    wait_until(lambda: "2,500 jobs go" in text_of(one.get(page.url.path)), 30, "the action")
    wait_until(lambda: "2,500 jobs go" in text_of(other.get(page.url.path)), 30, "the other process to hear of it")
    assert other.get(f"/api{page.url.path}").json()["state"] == "done"

    fill(store, "retry", 2500)
    # Cancelled by another process before the first slice.
    monkeypatch.setattr("teep.web.bulks.secrets.token_hex", lambda _: "abcd")
    runner.run(AsyncWebActions(config=config).cancel("abcd"))
    page = one.post("/retries/all/delete", {"total": "2500", "confirm": "2500"})
    wait_until(lambda: "Cancelled" in text_of(one.get(page.url.path)), 30, "it to stop")
    assert store.client.zcard("retry") > 0


def test_an_action_whose_process_is_gone_has_failed(
    visit: MakeVisitor, config: teep.Config, runner: asyncio.Runner
) -> None:
    bulk = bulks.Bulk("delete", "delete", "retries", "", 3000, {})
    runner.run(AsyncWebActions(config=config).write(bulk.id, {**bulk.told(), "at": 0}))
    assert "the process that carried it out is gone" in text_of(visit().get(f"/actions/{bulk.id}"))


def test_a_page_costs_two_round_trips(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 500)
    visitor.get("/retries")
    with sent() as commands:
        page = visitor.get("/retries?count=100")
    assert len(commands) == 2
    assert len(page.text) > 1000
    page = visitor.get("/retries")
    assert len(page.text) < 60_000


def test_an_entry_shows_everything(visitor: Visitor, store: Server) -> None:
    fields = {"error_class": "ValueError", "error_message": "bad", "error_backtrace": ["app.py:1", "lib.py:2"]}
    store.client.zadd("retry", {payload(1, args=["y" * 9000], retry_count=3, tags=["eu"], **fields): 1_000_001})
    page = visitor.get(f"/retries/{key(1)}")
    assert all(text in text_of(page) for text in ("y" * 9000, "ValueError", "bad", "app.py:1 lib.py:2", "eu"))
    assert re.findall(r'<button class="button[^"]*" name="(\w+)"', page.text) == ["retry", "kill", "delete"]
