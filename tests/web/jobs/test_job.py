"""One job's page, wherever the job is, and what can be done there."""

import json
import re
from typing import Any

import pytest

import teep
from teep.web import ADMIN, OPERATOR, VIEWER, Access
from tests.api.trips import sent
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor
from tests.web.jobs.conftest import ERROR, JID, ME, TIMES, beat, job, lay, take
from tests.web.test_hostile import SETS, STRANGE, XSS
from tests.web.visitor import Visitor, text_of

PLACES = {
    "schedule": "scheduled",
    "retry": "waits for a retry",
    "dead": "dead",
    "queue:low": "in its queue",
}


def buttons(page: Any) -> list[str]:
    return re.findall(r'<button class="button[^"]*" name="(\w+)"', page.text)


@pytest.mark.parametrize("where", PLACES)
def test_a_job_is_shown_wherever_it_is(visitor: Visitor, store: Server, where: str) -> None:
    lay(store, where, job(**ERROR, **TIMES))
    page = visitor.get(f"/jobs/{JID}")
    assert page.status_code == 200
    text = text_of(page)
    assert all(word in text for word in ("app.resize", JID, "low", "app.Timeout", "after 30 s", PLACES[where]))


def test_its_times_are_told_in_order_and_exactly(visitor: Visitor, store: Server) -> None:
    lay(store, "retry", job(**ERROR, **TIMES, enqueued_at=1_700_000_030_000))
    page = visitor.get(f"/jobs/{JID}")
    events = re.findall(r'<li class="is-(\w+)">.*?<span class="sub">([^<·]+)', page.text, re.DOTALL)
    assert [(name, at.strip()) for name, at in events] == [
        ("created", "2023-11-14 22:13:20.000 UTC"),
        ("enqueued", "2023-11-14 22:13:50.000 UTC"),
        ("failed", "2023-11-14 22:14:20.500 UTC"),
        ("retried", "2023-11-14 22:15:20.250 UTC"),
        ("next", "2027-01-15 08:00:00.500 UTC"),
    ]
    assert "30 s later" in text_of(page)


def test_a_running_job_says_where_and_can_be_cancelled(visitor: Visitor, store: Server, config: teep.Config) -> None:
    lay(store, "queue:low", job())
    take(config)
    beat(store, job())
    page = visitor.get(f"/jobs/{JID}")
    assert all(word in text_of(page) for word in ("running", ME, "thread tid1", "Started"))
    assert buttons(page) == ["cancel_job"]
    answer = visitor.post(f"/jobs/{JID}", {"cancel_job": "yes"})
    assert "The job is told to end." in text_of(answer)
    assert store.command("LRANGE", f"{{{ME}-signals}}:cancels", 0, -1) == [JID.encode()]
    assert "not where that can be done" in text_of(visitor.post(f"/jobs/{JID}", {"delete": "yes"}))


def test_a_job_that_is_nowhere_says_where_was_looked(visitor: Visitor, store: Server) -> None:
    lay(store, "dead", job(jid="other"))
    page = visitor.get(f"/jobs/{JID}")
    assert page.status_code == 404
    text = text_of(page)
    assert all(word in text for word in (JID, "what runs now", "Dead, with 1 job", "It may have succeeded"))


VERBS = [
    ("retry", "retry", "queue:low"), ("retry", "kill", "dead"), ("retry", "delete", None),
    ("schedule", "add_to_queue", "queue:low"), ("schedule", "delete", None),
    ("dead", "retry", "queue:low"), ("dead", "delete", None),
    ("queue:low", "kill", "dead"), ("queue:low", "delete", None),
]  # fmt: skip


@pytest.mark.parametrize(("where", "verb", "target"), VERBS)
def test_each_verb_is_offered_and_does_what_it_says(
    visitor: Visitor, store: Server, config: teep.Config, where: str, verb: str, target: str | None
) -> None:
    heard: list[Any] = []
    config.on("audit", heard.append)
    lay(store, where, job(retry_count=1))
    assert verb in buttons(visitor.get(f"/jobs/{JID}"))
    visitor.post(f"/jobs/{JID}", {verb: "yes"})
    located = teep.find_job(JID, config=config)
    names = {"queue:low": "queued", "dead": "dead", None: None}
    assert (None if located is None else located.where) == names[target]
    assert (heard[-1]["verb"], heard[-1]["count"]) == (verb, 1)


def test_of_jobs_of_a_queue_with_the_same_jid_the_one_that_is_shown_is_killed(
    visitor: Visitor, store: Server
) -> None:
    raws = [job(args=[number]) for number in range(3)]
    for raw in raws:
        store.command("LPUSH", "queue:low", raw)
    store.command("SADD", "queues", "low")
    visitor.post(f"/jobs/{JID}", {"kill": "yes"})
    left, dead = store.command("LRANGE", "queue:low", 0, -1), store.command("ZRANGE", "dead", 0, -1)
    assert (len(left), len(dead)) == (2, 1)
    assert sorted([*left, *dead]) == sorted(raw.encode() for raw in raws)


def test_what_is_not_there_is_not_done(visitor: Visitor, store: Server) -> None:
    assert "Nothing was done" in text_of(visitor.post(f"/jobs/{JID}", {"retry": "yes"}))
    assert visitor.post(f"/jobs/{JID}", {"explode": "yes"}).status_code == 400
    lay(store, "schedule", job())
    assert "Nothing was done" in text_of(visitor.post(f"/jobs/{JID}", {"kill": "yes"}))
    assert store.client.zcard("schedule") == 1


@pytest.mark.parametrize(
    ("access", "shown", "edits"),
    [(VIEWER, [], False), (OPERATOR, ["retry", "kill"], False), (ADMIN, ["retry", "kill", "delete"], True)],
)
def test_a_role_is_offered_its_verbs(
    visit: MakeVisitor, store: Server, access: Access, shown: list[str], *, edits: bool
) -> None:
    lay(store, "retry", job())
    visitor = visit(authorize=lambda _: access)
    page = visitor.get(f"/jobs/{JID}")
    assert buttons(page) == shown
    assert ("Edit arguments" in text_of(page)) is edits
    assert visitor.get(f"/jobs/{JID}/edit").status_code == (200 if edits else 403)
    if not edits:
        assert visitor.post(f"/jobs/{JID}", {"delete": "yes"}).status_code == 403
        assert visitor.post(f"/jobs/{JID}/edit", {"args": "[]"}).status_code == 403
        assert visitor.post(f"/jobs/{JID}", {"free_lock": "yes"}).status_code == 403
    assert store.client.zcard("retry") == 1


def test_arguments_are_as_their_bytes_have_them(visitor: Visitor, store: Server) -> None:
    args = '[12345678901234567890123,1.50,{"":"empty","a":1,"a":2},[],{},"\\u00e9",null]'
    raw = f'{{"class":"C","jid":"{JID}","args":{args}}}'
    for where in ("retry", "queue:default"):
        store.flushall()
        lay(store, where, raw)
        page = visitor.get(f"/jobs/{JID}")
        values = re.findall(r'<code class="is-\w+">([^<]*)</code>', page.text.partition('id="arguments-title"')[2])
        assert values[:9] == [
            "12345678901234567890123", "1.50", "&#34;empty&#34;", "1", "2", "[]", "{}", "&#34;é&#34;", "null",
        ]  # fmt: skip
        assert '<span class="key">&#34;&#34;</span>' in page.text


def test_hidden_arguments_are_nowhere(visit: MakeVisitor, store: Server) -> None:
    lay(store, "retry", job(args=["secret-4711"], kwargs={"key": "secret-4711"}))

    def lengths(job: Any) -> Any:
        return [len(argument) for argument in job.args]

    key = f"1800000000.5-{JID}"
    for arguments, seen in (("hide", "hidden"), (lengths, "11")):
        visitor = visit(arguments=arguments)
        for path in (f"/jobs/{JID}", f"/retries/{key}"):
            page = visitor.get(path)
            assert "secret-4711" not in page.text
            assert seen in text_of(page)
            assert "/raw" not in page.text
            for more in ("raw", "edit"):
                answer = visitor.get(f"{path}/{more}")
                assert (answer.status_code, "secret-4711" in answer.text) == (403, False)
    page = visit().get(f"/jobs/{JID}")
    assert page.text.count("secret-4711") == 2


def test_an_encrypted_argument_is_masked(visitor: Visitor, store: Server) -> None:
    lay(store, "retry", job(args=[1, "BAhTOhFTaWRla2lxOjpFbmM"], encrypt=True))
    for path in (f"/jobs/{JID}", f"/jobs/{JID}/edit"):
        page = visitor.get(path)
        assert "BAhTOhFTaWRla2lxOjpFbmM" not in page.text
        assert "[encrypted data]" in text_of(page)


def test_the_payload_is_shown_as_it_is(visitor: Visitor, store: Server) -> None:
    raw = '{ "class" : "C", "args":[1.50],  "jid" : "' + JID + '"}'
    lay(store, "queue:low", raw)
    page = visitor.get(f"/jobs/{JID}/raw")
    assert re.sub(r"\s+", " ", raw) in text_of(page)
    assert visitor.get("/jobs/none/raw").status_code == 404


def test_whatever_else_it_says_is_listed(visitor: Visitor, store: Server) -> None:
    fields = {
        "cattr": {"user": 5},
        "cattr_1": {"tenant": "acme"},
        "unique_for": 60,
        "my field": [1],
        "kwargs": {"k": 9},
    }
    lay(store, "retry", job(**fields, tags=["eu"], error_backtrace=["app.py:1", "lib.py:2"], **ERROR))
    store.client.hset(f"it-{JID}", mapping={"ex": 3, "rt": 12.5, "c": "[5,6]", "cancelled": 1_700_000_000})
    text = text_of(visitor.get(f"/jobs/{JID}"))
    assert all(
        word in text
        for word in ("Context", "acme", "unique_for", "my field", "By keyword", "app.py:1 lib.py:2", "eu")
    )
    assert all(word in text for word in ("started 3 times, 12 s in all", "cancelled", "Cursor"))


def test_its_lock_says_who_has_it_and_can_be_freed(visitor: Visitor, store: Server) -> None:
    lay(store, "retry", job(unique_lock="abc"))
    store.command("SET", "unique:abc", "0123", "PX", 90_000)
    page = visitor.get(f"/jobs/{JID}")
    assert "Another job has it: 0123" in text_of(page)
    assert "The lock is free." in text_of(visitor.post(f"/jobs/{JID}", {"free_lock": "yes"}))
    assert not store.client.exists("unique:abc")
    store.command("SET", "unique:abc", JID, "PX", 90_000)
    assert "This job has it." in text_of(visitor.get(f"/jobs/{JID}"))
    store.client.delete("unique:abc")
    store.client.sadd("unique:abc", "no lock")
    assert visitor.get(f"/jobs/{JID}").status_code == 200


@pytest.mark.parametrize("where", [*PLACES])
def test_markup_is_text_in_every_field(visitor: Visitor, store: Server, where: str) -> None:
    names = ("class", "queue", "error_class", "error_message", "unique_lock", "display_class")
    fields = dict.fromkeys(names, XSS) | {"args": [XSS, {XSS: XSS}], "tags": [XSS], XSS: XSS, "cattr": {XSS: XSS}}
    jid = JID if where.startswith("queue:") else XSS
    lay(store, where, json.dumps({"jid": jid, "kwargs": {XSS: XSS}, "error_backtrace": [XSS], **fields}))
    store.client.hset(f"it-{jid}", mapping={"ex": 1, "c": json.dumps({XSS: XSS})})
    store.command("SET", f"unique:{XSS}", XSS)
    path = f"/jobs/{JID}"
    if where in SETS:
        (key,) = re.findall(r'name="key" value="([^"]+)"', visitor.get(SETS[where]).text)
        path = f"{SETS[where]}/{key}"
    for page in (visitor.get(path), visitor.get(f"{path}/raw"), visitor.get(f"{path}/edit")):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert ">49<" not in page.text


@pytest.mark.parametrize("raw", STRANGE)
def test_every_job_renders(visitor: Visitor, store: Server, raw: bytes) -> None:
    lay(store, "retry", raw)
    (key,) = re.findall(r'name="key" value="([^"]+)"', visitor.get("/retries").text)
    assert visitor.get(f"/retries/{key}").url.path == f"/retries/{key}"
    assert visitor.get(f"/retries/{key}/raw").status_code == 200


@pytest.mark.parametrize(
    ("args", "seen"),
    [
        ("[" * 90 + "]" * 90, "[[[["),
        ("[" + '{"a":' * 60 + "17" + "}" * 60 + "]", "17"),
        (json.dumps(list(range(20_000))), "19999"),
    ],
)
def test_deep_and_long_arguments_are_shown_whole(visitor: Visitor, store: Server, args: str, seen: str) -> None:
    lay(store, "retry", f'{{"class":"C","jid":"{JID}","args":{args}}}')
    page = visitor.get(f"/jobs/{JID}")
    assert page.status_code == 200
    assert seen in text_of(page)


def test_a_page_costs_few_round_trips(visitor: Visitor, store: Server) -> None:
    lay(store, "retry", job(**ERROR, unique_lock="abc"))
    visitor.get("/retries")
    with sent() as commands:
        visitor.get(f"/retries/1800000000.5-{JID}")
    assert len(commands) <= 6  # the summary, the entry, its iteration, its lock
    with sent() as commands:
        visitor.get(f"/jobs/{JID}")
    assert len(commands) <= 12  # and a look into each place
