"""A job pushed by hand."""

import json
import logging
import re
from html import unescape
from typing import Any

import pytest

import teep
from teep.web import OPERATOR
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor
from tests.web.jobs.conftest import JID, job, lay
from tests.web.test_hostile import XSS
from tests.web.visitor import Visitor, links, text_of


def waiting(store: Server, queue: str = "default") -> dict[str, Any]:
    (raw,) = store.client.lrange(f"queue:{queue}", 0, -1)
    found: dict[str, Any] = json.loads(raw)
    return found


def test_it_goes_to_its_queue_with_big_numbers_as_they_are(
    visitor: Visitor, store: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "teep.web.audit")
    sent = {"class": "Ruby::Worker", "args": '[12345678901234567890123, {"": "é"}]', "queue": "low", "in": ""}
    page = visitor.post("/push", sent)
    found = waiting(store, "low")
    assert (found["class"], found["args"]) == ("Ruby::Worker", [12345678901234567890123, {"": "é"}])
    assert f"The job {found['jid']} is pushed." in text_of(page)
    assert page.url.path == "/queues/low"
    assert "push in queues/low: 1 jobs that match 'class:Ruby::Worker'" in caplog.text


def test_a_known_job_has_the_options_of_its_definition(visitor: Visitor, store: Server, own_registry: None) -> None:
    @teep.job(name="app.send", queue="mail", retry=3)
    def send(order: int, language: str = "de") -> None: ...

    assert 'value="app.send" label="app.send(order: int, language: str = ' in unescape(visitor.get("/push").text)
    visitor.post("/push", {"class": "app.send", "args": "[1]"})
    found = waiting(store, "mail")
    assert (found["retry"], found["args"]) == (3, [1])
    page = visitor.post("/push", {"class": "app.send", "args": "[]"})
    assert (page.status_code, "missing a required argument" in text_of(page)) == (400, True)


def test_later_means_scheduled(visitor: Visitor, store: Server) -> None:
    page = visitor.post("/push", {"class": "C", "args": "", "in": "10m"})
    assert (page.url.path, store.client.zcard("schedule")) == ("/scheduled", 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"class": ""}, "a job has a class"),
        ({"args": "{}"}, "arguments are a JSON array"),
        ({"args": "[1"}, "Expecting ',' delimiter"),
        ({"args": "[NaN]"}, "NaN is no JSON"),
        ({"args": "[" * 100_000}, "while decoding a JSON array"),
        ({"in": "soon"}, "it is a number and a unit"),
        ({"class": XSS, "args": "{}"}, "arguments are a JSON array"),
    ],
)
def test_what_makes_no_job_is_told_and_the_form_keeps_what_was_written(
    visitor: Visitor, store: Server, wrong: dict[str, str], said: str
) -> None:
    page = visitor.post("/push", {"class": "C", "args": "[]", "queue": "kept", **wrong})
    assert page.status_code == 400
    assert "<script>alert" not in page.text
    assert said in unescape(page.text)
    assert 'value="kept"' in page.text
    assert store.client.keys("queue:*") == []


def test_a_job_is_copied(visitor: Visitor, store: Server) -> None:
    lay(store, "dead", job(args=[1, "é&"]))
    copy = next(link for link in links(visitor.get(f"/jobs/{JID}")) if link.startswith("/push"))
    page = visitor.get(copy)
    assert 'value="app.resize"' in page.text
    text = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)[0]
    assert json.loads(unescape(text)) == [1, "é&"]


@pytest.mark.parametrize("fields", [{"encrypt": True}, {"kwargs": {"a": 1}}, {"args": ["x" * 2100]}])
def test_what_no_link_can_hold_is_not_copied(visitor: Visitor, store: Server, fields: dict[str, Any]) -> None:
    lay(store, "dead", job(**fields))
    assert "Push a copy" not in visitor.get(f"/jobs/{JID}").text


def test_only_who_may_push_does(visit: MakeVisitor, store: Server) -> None:
    lay(store, "dead", job())
    visitor = visit(authorize=lambda _: OPERATOR)
    assert visitor.get("/push").status_code == visitor.post("/push", {"class": "C"}).status_code == 403
    assert visitor.ask("POST", "/api/push", json={"class": "C"}).status_code == 403
    for path in ("/queues", f"/jobs/{JID}"):
        assert not [link for link in links(visitor.get(path)) if "push" in link]


def test_programs_push(visitor: Visitor, store: Server) -> None:
    answer = visitor.ask("POST", "/api/push", json={"class": "C", "args": [1], "queue": "low"})
    assert answer.json() == {"jid": waiting(store, "low")["jid"], "queue": "low"}
    for wrong in ({}, {"class": "C", "args": [1], "in": "soon"}, {"class": "C", "args": {}}):
        assert visitor.ask("POST", "/api/push", json=wrong).status_code == 400


def test_a_job_that_is_locked_out_is_told(visitor: Visitor, store: Server, own_registry: None) -> None:
    @teep.job(name="app.once", unique_for=60)
    def once() -> None: ...

    form = {"class": "app.once", "args": "[]", "queue": "kept"}
    assert "is pushed." in text_of(visitor.post("/push", form))
    # Arguments may be long, and are nobody's business: they stand in no address.
    page = visitor.post("/push", form, follow=False)
    assert page.status_code == 400
    assert "Nothing was pushed: a middleware stopped it, or an identical job has the lock." in text_of(page)
    assert 'value="kept"' in page.text
