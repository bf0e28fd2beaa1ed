"""A job found by its jid, from every page; and Sidekiq's numbers as JSON."""

import asyncio
import json
from typing import Any

import pytest

import teep
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor
from tests.web.jobs.conftest import JID, beat, job, lay
from tests.web.test_hostile import XSS
from tests.web.visitor import Visitor, text_of


@pytest.mark.parametrize(
    ("where", "path"),
    [("retry", f"/retries/1800000000.5-{JID}"), ("schedule", f"/scheduled/1800000000.5-{JID}"),
     ("dead", f"/dead/1800000000.5-{JID}"), ("queue:low", f"/jobs/{JID}")],
)  # fmt: skip
def test_a_jid_leads_to_its_job(visitor: Visitor, store: Server, where: str, path: str) -> None:
    lay(store, where, job())
    page = visitor.get("/search", params={"q": f" {JID}\t"})
    assert (page.status_code, page.url.path) == (200, path)
    assert "app.resize" in text_of(page)


def test_a_job_that_runs_at_ruby_is_found(visitor: Visitor, store: Server) -> None:
    beat(store, job())
    assert visitor.get("/search", params={"q": JID}).url.path == f"/jobs/{JID}"


@pytest.mark.parametrize("text", ["nowhere", XSS, "a b", "x" * 200, "é"])
def test_what_is_nowhere_says_where_was_looked(visitor: Visitor, store: Server, text: str) -> None:
    lay(store, "retry", job())
    page = visitor.get("/search", params={"q": text})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "No job has this jid" in text_of(page)
    assert all(word in text_of(page) for word in ("what runs now", "all queues, with 0 jobs", "Retries, with 1 job"))
    assert 'href="./retries?q=' in page.text


@pytest.mark.parametrize("text", ["", " ", "x" * 201])
def test_without_a_jid_it_says_how(visitor: Visitor, text: str) -> None:
    page = visitor.get("/search", params={"q": text})
    assert page.status_code == 200
    assert "Find a job by its jid" in text_of(page)


def test_a_search_ends(visitor: Visitor, monkeypatch: Any) -> None:
    async def endless(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("teep.web.pages.job.async_find_job", endless)
    monkeypatch.setattr("teep.web.pages.job.SECONDS", 0.01)
    page = visitor.get("/search", params={"q": JID})
    assert "The search took too long" in text_of(page)
    assert f"q=jid%3A{JID}" in page.text
    assert "The search took too long" in text_of(visitor.get(f"/jobs/{JID}"))
    assert visitor.get(f"/jobs/{JID}/raw").status_code == 404
    assert "Nothing was done" in text_of(visitor.post(f"/jobs/{JID}", {"delete": "1"}))


@pytest.mark.parametrize("path", ["/", "/retries", "/errors", f"/jobs/{JID}", "/nowhere/deep"])
def test_every_page_has_the_search(visitor: Visitor, path: str) -> None:
    depth = path.count("/") - 1
    assert f'action="{"../" * depth or "./"}search"' in visitor.get(path).text


def test_sidekiqs_numbers_are_there(visitor: Visitor, store: Server, config: teep.Config) -> None:
    teep.Client(config).push_bulk({"class": "C", "args": [[1], [2]], "queue": "low"})
    store.client.mset({"stat:processed": 12, "stat:failed": 3})
    lay(store, "retry", job())
    answer = visitor.get("/stats")
    assert answer.headers["content-type"] == "application/json"
    told = json.loads(answer.text)
    assert told["sidekiq"] == {
        "processed": 12, "failed": 3, "busy": 0, "processes": 0, "enqueued": 2, "scheduled": 0, "retries": 1,
        "dead": 0, "default_latency": 0.0,
    }  # fmt: skip
    assert told["redis"].keys() == {
        "redis_version", "uptime_in_days", "connected_clients", "used_memory_human", "used_memory_peak_human",
        "store_name", "store_version",
    }  # fmt: skip
    assert told["server_utc_time"].endswith(" UTC")
    assert json.loads(visitor.get("/stats/queues").text) == {"low": 2}
    assert visitor.get("/dashboard/stats").url.path == "/stats"


def test_only_who_may_read_gets_the_numbers(visit: MakeVisitor) -> None:
    visitor = visit(authorize=lambda _: None)
    assert [visitor.get(path).status_code for path in ("/stats", "/stats/queues")] == [401, 401]


@pytest.mark.parametrize("name", ["retries", "scheduled", "dead", "morgue"])
def test_the_filters_of_sidekiq_7_lead_to_the_lists(visitor: Visitor, name: str) -> None:
    path = f"/{name.replace('morgue', 'dead')}"
    for answer in (visitor.post(f"/filter/{name}", {"substr": "a b"}), visitor.get(f"/filter/{name}?substr=a+b")):
        assert (answer.url.path, answer.url.params["q"]) == (path, "a b")
    assert visitor.get("/filter/nothing").status_code == 404


def test_the_page_says_that_it_lives(visit: MakeVisitor) -> None:
    assert visit(authorize=lambda _: None).ask("HEAD", "/").status_code == 200
