"""A job's arguments, changed by hand."""

import html
import json
import re
from typing import Any

import pytest

import teep
from tests.support.servers import Server
from tests.web.jobs.conftest import JID, job, lay
from tests.web.visitor import Visitor, text_of


def form(visitor: Visitor, path: str) -> dict[str, str]:
    """What the form sends if nothing is changed."""
    page = visitor.get(path).text
    text = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[0]
    return {"args": html.unescape(text), "digest": re.findall(r'name="digest" value="(\w+)"', page)[0]}


def stored(config: teep.Config) -> tuple[str, list[Any]]:
    located = teep.find_job(JID, config=config)
    assert located is not None
    return located.where, located.record.args


@pytest.mark.parametrize(
    ("where", "place", "then"),
    [("retry", "retrying", "queued"), ("dead", "dead", "queued"), ("schedule", "scheduled", "queued"),
     ("queue:low", "queued", None)],
)  # fmt: skip
def test_arguments_are_changed_and_the_job_sent_on(
    visitor: Visitor, store: Server, config: teep.Config, where: str, place: str, then: str | None
) -> None:
    path = f"/jobs/{JID}/edit"
    lay(store, where, job(args=[1]))
    sent = form(visitor, path)
    assert json.loads(sent["args"]) == [1]
    answer = visitor.post(path, {**sent, "args": '[2, {"": 12345678901234567890123}]', "save": "yes"})
    assert "The arguments are changed." in text_of(answer)
    assert stored(config) == (place, [2, {"": 12345678901234567890123}])
    sent = form(visitor, path)
    answer = visitor.post(path, {**sent, "args": "[3]", "then": "yes"})
    assert answer.status_code == (400 if then is None else 200)
    assert stored(config) == ((place, [2, {"": 12345678901234567890123}]) if then is None else (then, [3]))


def test_what_was_not_changed_stays_byte_for_byte(visitor: Visitor, store: Server) -> None:
    raw = f'{{ "class":"C","jid":"{JID}","args":[1.50, "\\u00e9",{{"a":1,"a":2}}]}}'.encode()
    lay(store, "retry", raw)
    path = f"/jobs/{JID}/edit"
    answer = visitor.post(path, {**form(visitor, path), "save": "yes"})
    assert "The arguments are as they were." in text_of(answer)
    assert store.command("ZRANGE", "retry", 0, -1) == [raw]


@pytest.mark.parametrize("text", ["", "{}", "[1", "[NaN]", "[1e999]", '["\\ud800"]', "[" * 5000, "<script>"])
def test_what_is_no_array_is_said_and_kept_in_the_form(visitor: Visitor, store: Server, text: str) -> None:
    lay(store, "retry", job())
    path = f"/jobs/{JID}/edit"
    answer = visitor.post(path, {**form(visitor, path), "args": text, "save": "yes"})
    assert answer.status_code == 400
    assert "Nothing was changed" in text_of(answer)
    assert html.escape(text[:20]).replace("&quot;", "&#34;") in answer.text
    assert store.command("ZRANGE", "retry", 0, -1) == [job().encode()]


def test_what_someone_else_has_changed_is_not_overwritten(visitor: Visitor, store: Server) -> None:
    lay(store, "retry", job())
    path = f"/jobs/{JID}/edit"
    sent = form(visitor, path)
    store.client.delete("retry")
    lay(store, "retry", job(args=["theirs"]))
    assert "has changed meanwhile" in text_of(visitor.post(path, {**sent, "args": "[9]", "save": "yes"}))
    assert store.command("ZRANGE", "retry", 0, -1) == [job(args=["theirs"]).encode()]


def test_an_entry_is_edited_by_its_own_name_too(visitor: Visitor, store: Server, config: teep.Config) -> None:
    lay(store, "dead", job())
    path = f"/dead/1800000000.5-{JID}/edit"
    answer = visitor.post(path, {**form(visitor, path), "args": "[5]", "save": "yes"})
    assert answer.url.path == f"/jobs/{JID}"
    assert stored(config) == ("dead", [5])


def test_an_encrypted_argument_stays_sealed(visitor: Visitor, store: Server, config: teep.Config) -> None:
    lay(store, "retry", job(args=[1, "BAhTOhFTaWRla2lxOjpFbmM"], encrypt=True))
    path = f"/jobs/{JID}/edit"
    sent = form(visitor, path)
    assert json.loads(sent["args"]) == [1, "[encrypted data]"]
    visitor.post(path, {**sent, "args": '[2, "[encrypted data]"]', "save": "yes"})
    assert stored(config) == ("retrying", [2, "BAhTOhFTaWRla2lxOjpFbmM"])
