"""Whatever lies in Redis is shown, and as text: names, arguments, errors, tags, queues, jids."""

import json
import re
from typing import Any

import pytest

import teep
from teep.api.jobs.selection.words import parse
from teep.web import ADMIN, Access, lists, urls
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor, payload
from tests.web.fleet.fleet import beat, capsule
from tests.web.visitor import Visitor, text_of

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\0"
SETS = {"retry": "/retries", "schedule": "/scheduled", "dead": "/dead"}
STRANGE = [
    b"no json \xff\xfe",
    b"[]",
    b"{}",
    b"null",
    b'{"class":1,"args":{},"jid":[],"queue":null,"tags":[1,{"a":2}],"error_class":{"a":1},"error_message":7}',
    b'{"class":"C","args":[],"jid":"j","retry_count":"x","error_backtrace":"?","created_at":"now","failed_at":1e300}',
    b'{"class":"C","args":[12345678901234567890123],"jid":"../../etc","queue":"a/b?c#d"}',
    b'{"class":"C","args":["\\ud800"],"jid":"","tags":"no list","created_at":-1e18}',
    b'{"class":"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper","wrapped":{},"args":[[]]}',
]


@pytest.mark.parametrize("key", SETS)
def test_markup_is_text_in_every_field(visitor: Visitor, store: Server, key: str) -> None:
    names = ("class", "queue", "jid", "error_class", "error_message")
    store.client.zadd(key, {payload(1, **dict.fromkeys(names, XSS), args=[XSS, {XSS: XSS}], tags=[XSS]): 1e9})
    store.client.sadd("queues", XSS)
    for path, query in ((SETS[key], {}), ("/", {}), (SETS[key], {"q": XSS})):
        page = visitor.get(path, params=query)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in re.sub(r"\d\d:\d\d:\d\d UTC|redis://\S+", "", text_of(page))
    (link,) = set(re.findall(rf'href="\.{SETS[key]}/([^"]+)"', visitor.get(SETS[key]).text))
    one = visitor.get(f"{SETS[key]}/{link}")
    assert one.status_code == 200
    assert "<script>alert" not in one.text


@pytest.mark.parametrize("key", SETS)
def test_every_row_renders_and_can_be_deleted(visitor: Visitor, store: Server, key: str) -> None:
    path = SETS[key]
    store.client.zadd(key, {raw: 1e9 + number for number, raw in enumerate(STRANGE)})
    store.client.zadd(key, {b"beyond the calendar": float("inf"), b"before it": -1e300})
    page = visitor.get(path)
    keys = re.findall(r'name="key" value="([^"]+)"', page.text)
    assert len(keys) == len(STRANGE) + 2
    assert "12345678901234567890123" in page.text
    for name in keys:
        assert visitor.get(f"{path}/{name}").url.path == f"{path}/{name}"
    visitor.post(path, {"key": keys[:5], "delete": "1"})
    for name in keys[5:]:
        visitor.post(f"{path}/{name}", {"delete": "1"})
    assert store.client.zcard(key) == 0


def test_what_no_queue_can_take_stays_and_is_said(visitor: Visitor, store: Server) -> None:
    store.client.zadd("retry", {b"no json": 1e9, payload(1).encode(): 1e9})
    keys = re.findall(r'name="key" value="([^"]+)"', visitor.get("/retries").text)
    answer = visitor.post("/retries", {"key": keys, "retry": "1"})
    assert "1 job goes to its queue. 1 could not be reached" in text_of(answer)
    assert store.command("ZRANGE", "retry", 0, -1) == [b"no json"]


@pytest.mark.parametrize(
    "name", ["default", "a/b", "..", ".", "~x", "", "a b?c#d%2F", "é", "\udcff", "a:b-c_d.e", "x" * 300]
)
def test_a_name_comes_back_from_a_path(name: str) -> None:
    part = urls.to_path(name)
    assert re.fullmatch(r"[A-Za-z0-9_:.~\-]+", part)
    assert part not in (".", "..")
    assert urls.from_path(part) == name


def test_a_job_leads_back_to_a_queue_whose_name_is_no_utf8() -> None:
    record = teep.AsyncJobRecord(b'{"class":"C","args":[],"jid":"j"}', "q\udcff")
    row = lists.row(record, ADMIN, "k", None)
    assert (row.queue, row.queue_path) == ("q\\udcff", "queues/~cf8")
    assert urls.from_path("~cf8") == "q\udcff"
    assert re.fullmatch(r"~[\w-]+", urls.to_path("\ud800"))  # no bytes are that: a path all the same


def test_a_queue_whose_name_is_no_utf8_breaks_no_page(visitor: Visitor, store: Server) -> None:
    store.client.sadd("queues", b"q\xff")
    store.client.lpush(b"queue:q\xff", payload(1))
    for path in ("/", "/queues", "/busy", "/retries", "/errors", "/stats", "/prometheus", "/api/queues"):
        page = visitor.get(path)
        assert (path, page.status_code) == (path, 200)
    path = f"/queues/{urls.to_path('q' + chr(0xDCFF))}"
    assert "q\\udcff" in visitor.get(path).text
    visitor.post(path, {"pause": "1"})
    assert store.client.smembers("paused") == {b"q\xff"}


@pytest.mark.parametrize("part", ["~", "~!", "~AAA=A", "x", "~é"])
def test_a_part_that_stands_for_no_name_is_itself(part: str) -> None:
    assert urls.from_path(part) in (part, "")


@pytest.mark.parametrize("query", [
    "after=x", "after=1_", "after=nan_1", "after=1e999_1", "before=--1_0", "count=0", "count=-1", "count=1e9",
    "count=٣", "q=%00", "q=%ff", "q=class:", "q=[", "q=args:[", 'q="', "substr=x", "days=0", "hours=999",
    "flash=x.y", "flash=é",
    "after=inf_0", "before=-inf_0", "after=1_999999999999999",
])  # fmt: skip
def test_no_query_breaks_a_page(visitor: Visitor, store: Server, query: str) -> None:
    store.client.zadd("retry", {payload(1): 1.0})
    for path in ("/retries", "/"):
        assert visitor.get(f"{path}?{query}").status_code == 200


def test_arguments_are_hidden_if_that_is_asked_for(visit: MakeVisitor, store: Server) -> None:
    store.client.zadd("retry", {payload(1, args=["secret-4711"]): 1e9})

    def lengths(job: Any) -> Any:
        return [len(argument) for argument in job.args]

    for arguments, seen in (("hide", "hidden"), (lengths, "11")):
        visitor = visit(arguments=arguments)
        for path in ("/retries", f"/retries/1000000000.0-{1:024x}"):
            page = visitor.get(path)
            assert "secret-4711" not in page.text
            assert seen in text_of(page)
    assert "secret-4711" in visit().get("/retries").text


def test_hidden_arguments_cannot_be_searched_for(visit: MakeVisitor, store: Server) -> None:
    """A filter that they meet tells them letter by letter."""
    fields = {"queue": "q4711", "error_class": "E4711"}
    store.client.zadd("retry", {payload(1, args=["secret-4711"], **fields): 1e9})
    store.client.lpush("queue:q", payload(1, args=["secret-4711"]))
    beat(store, "a:1:x", [{"args": ["secret-4711"]}])
    for arguments in ("hide", lambda _: ["…"]):
        visitor = visit(arguments=arguments)
        for query in ("secret-4", "args:secret-4711", 'class:app* "secret-4"'):
            for path in ("/retries", "/queues/q", "/busy"):
                page = visitor.get(path, params={"q": query})
                assert "which are hidden here" in text_of(page)
                assert f"{1:024x}" not in page.text
            assert visitor.get("/api/retries", params={"q": query}).status_code == 400
            asked = {"action": "retry", "q": query}
            assert visitor.ask("POST", "/api/retries/all", json=asked).status_code == 400
            for path in ("/retries/all/retry", "/queues/q/all/delete"):
                assert visitor.post(path, {"q": query}).status_code == 400
        assert f"{1:024x}" in visitor.get("/retries?q=error:E4711 queue:q4711").text
        assert f"q=jid%3A{9:024x}" in visitor.get("/search", params={"q": f"{9:024x}"}).text


def test_what_the_page_hides_no_role_shows(visit: MakeVisitor, store: Server) -> None:
    store.client.zadd("retry", {payload(1, args=["secret-4711"]): 1e9})
    visitor = visit(arguments="hide", authorize=lambda _: Access(arguments=lambda job: job.args))
    assert "secret-4711" not in visitor.get("/retries").text


def test_numbers_of_any_size_break_no_page(visitor: Visitor, store: Server) -> None:
    """They stand at the head of a queue, in a retry, and in what a process says of itself."""
    huge = 10**400
    store.client.sadd("queues", "default", "low")
    store.client.lpush("queue:default", payload(1, enqueued_at=-1e300, args=[huge]))
    store.client.zadd("retry", {payload(3, retry_count=huge, args=[huge], created_at=huge): 1e9})
    info = {"concurrency": huge, "started_at": huge, "capsules": {"c": capsule("default", concurrency=huge)}}
    beat(store, "a:1:x", [{"run_at": -1e300, "args": [huge]}], info=info, busy=str(huge), rss=str(huge))
    pages = ("/", "/busy", "/queues", "/queues/default", "/queues/low", "/retries", f"/jobs/{3:024x}", "/emergency")
    programs = ("/prometheus", "/prometheus?names=sidekiq", "/stats", "/api/retries", "/api/queues", "/api/autoscale")
    for path in (*pages, *programs):
        assert (path, visitor.get(path).status_code) == (path, 200)
    (shown,) = visitor.get("/api/retries").json()["jobs"]
    assert shown["arguments"] == [huge]


def test_what_a_function_shows_need_be_no_json(visit: MakeVisitor, store: Server) -> None:
    store.client.zadd("retry", {payload(1): 1e9})
    visitor = visit(arguments=lambda _: [float("nan"), float("-inf"), {1, 2}])
    assert "NaN, -Infinity, &#34;{1, 2}&#34;" in visitor.get("/retries").text
    assert visitor.get(f"/jobs/{1:024x}").status_code == 200
    answer = visitor.get("/api/retries")
    (shown,) = json.loads(answer.text, parse_constant=pytest.fail)["jobs"]
    assert shown["arguments"] == ["NaN", "-Infinity", "{1, 2}"]


def test_an_encrypted_argument_is_masked(visitor: Visitor, store: Server) -> None:
    store.client.zadd("retry", {payload(1, args=[1, "BAhTOhFTaWRla2lxOjpFbmM"], encrypt=True): 1e9})
    assert "BAhTOhFTaWRla2lxOjpFbmM" not in visitor.get("/retries").text


def test_a_large_job_makes_no_large_list(visitor: Visitor, store: Server) -> None:
    store.client.zadd("retry", {payload(n, args=["x" * 1_000_000]): n for n in range(25)})
    assert len(visitor.get("/retries").text) < 250_000


@pytest.mark.parametrize("field", ["class", "jid", "queue", "error_class", "error_message", "tags"])
def test_a_large_field_makes_no_large_list_and_the_job_is_found(visitor: Visitor, store: Server, field: str) -> None:
    large: Any = ["x" * 9_000] * 90 if field == "tags" else "x" * 900_000
    raw = payload(1, **{"error_class": "E", "error_message": "m", field: large})
    store.client.zadd("retry", {raw: 1e9})
    store.client.sadd("queues", "default")
    store.client.lpush("queue:default", raw)
    beat(store, "a:1:x", [{"raw": raw}])
    for path in ("/retries", "/queues/default", "/busy", "/errors"):
        assert (path, len(visitor.get(path).text) < 60_000) == (path, True)
    (one,) = set(re.findall(r'href="(\./retries/[^"]+)"', visitor.get("/retries").text))
    assert visitor.get(one[1:]).url.path == one[1:]


def test_hostile_filters_are_read_or_told() -> None:
    for text in (
        XSS,
        '"' * 1000,
        "class:" * 500,
        "[" * 5000,
        "args:" + "[" * 5000,
        "\\",
        'a:"\\',
        "é:x ",
        json.dumps(XSS),
    ):
        parsed = parse(text)
        assert parsed.problems or parsed.conditions or not text.strip()


def test_names_of_periodic_jobs_and_limits_are_text_whatever_they_are(
    visitor: Visitor, store: Server, config: teep.Config
) -> None:
    entries = teep.PeriodicSet(config=config)
    for name in (XSS, "..", " ", "é", "-", "new"):
        entries.create(name, "@daily", XSS, XSS)
    raw = store.command("HGET", "teep:periodic", "é")
    store.client.hset("teep:periodic", b"\xff\xfe", raw)
    store.client.hset("teep:periodic", "damaged", b"\xff no JSON")
    names = (b"plain", b"\xff", XSS.encode())
    store.client.zadd("teep:limits", {name: 2e15 + place for place, name in enumerate(names)})
    fields = {"kind": "bucket", "declared": "1", "interval": "1", "lease": "1", "used": "0", "at": "0"}
    for limiter in names:
        store.client.hset(b"teep:limit:" + limiter, items=[part for pair in fields.items() for part in pair])
    for path in ("/periodic", "/limits"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        found = set(re.findall(rf'href="\.{path}/([^"]+)"', page.text)) - {"-/new"}
        assert len(found) >= 3
        for link in found:
            one = visitor.get(f"{path}/{link}")
            assert one.status_code == 200, link
            assert "<script>alert" not in one.text
    assert visitor.post("/periodic/~__4", {"pause": "yes"}).status_code == 200
    assert store.client.smembers("teep:periodic:paused") == {b"\xff\xfe"}
    for path in ("/api/periodic", "/api/limits", "/prometheus"):
        assert visitor.get(path).status_code == 200
