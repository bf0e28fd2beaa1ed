"""Errors: groups of what failed alike, counted within a moment or whole on request, and acted on."""

import asyncio
import html
import re
from typing import Any

import pytest

import teep
from teep.api import AsyncSetSelection
from teep.api.jobs.selection import words
from teep.web import OPERATOR, VIEWER
from teep.web.pages import errors
from tests.api.trips import sent
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import MakeVisitor, payload
from tests.web.test_hostile import STRANGE, XSS
from tests.web.visitor import Visitor, text_of


def fail(store: Server, key: str, count: int, kinds: int = 3, **fields: Any) -> None:
    """Put jobs into a set that failed in some ways."""
    for start in range(0, count, 1000):
        jobs = {}
        for n in range(start, min(start + 1000, count)):
            told = {"error_class": f"app.Error{n % kinds}", "error_message": f"after {n} s at [{n}]"}
            jobs[payload(n, failed_at=1.7e9 + n, **(fields or told))] = 1_000_000 + n
        store.client.zadd(key, jobs)


def groups(page: Any) -> list[str]:
    return re.findall(r'<td class="count number">(?:<a [^>]*>)?([^<]+)', page.text)


def test_what_failed_alike_is_one_group(visitor: Visitor, store: Server) -> None:
    fail(store, "retry", 9)
    fail(store, "dead", 3, error_class="app.Error0", error_message="gave up after 3 s")
    page = visitor.get("/errors")
    assert groups(page) == ["3", "3", "3", "1", "1", "1"]
    text = text_of(page)
    assert "after # s at [#]" in text
    assert "gave up after # s" in text
    assert "All 12 jobs counted." in text
    sample = re.findall(r'href="\./(retries/[^"]+)"', page.text)[0]
    assert visitor.get(f"/{sample}").status_code == 200


def test_the_largest_groups_come_first_and_the_others_on_request(visitor: Visitor, store: Server) -> None:
    said = "HTTPSConnectionPool(host='api.example.com', port=443): Read timed out. (read timeout=30) in part "
    for kind in range(41):
        told: dict[str, Any] = {"error_class": f"requests.exceptions.Error{kind}", "error_message": said + "x" * kind}
        fail(store, "retry", 41 - kind, **{"class": "app.billing.invoices.Import", **told})
    page = visitor.get("/errors")
    assert groups(page) == [str(41 - kind) for kind in range(25)]
    assert len(page.content) <= 50_000
    (more,) = re.findall(r'<a href="\.([^"]+)">and 16 smaller groups</a>', page.text)
    assert len(groups(visitor.get(more))) == 41


def test_a_group_that_was_counted_is_not_counted_again(
    visitor: Visitor, store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(store, "retry", 1_200, 1)
    monkeypatch.setattr(AsyncSetSelection, "count", None)
    assert 'name="counted"' not in visitor.get("/errors").text
    monkeypatch.setattr(errors, "_MANY", 1_000)
    page = visitor.get("/errors")
    texts, counts = (re.findall(rf'name="{name}" value="([^"]+)"', page.text) for name in ("q", "counted"))
    said = {"q": html.unescape(texts[0]), "counted": counts[0]}
    assert "Retry 400 jobs now?" in text_of(visitor.post("/retries/all/retry", said))
    monkeypatch.setattr(errors, "_EXACT", 0.0)
    assert 'name="counted"' not in visitor.get("/errors").text


def test_the_link_of_a_group_leads_to_its_jobs(visitor: Visitor, store: Server) -> None:
    fail(store, "retry", 9)
    (link, *_) = re.findall(r'<td class="count number"><a href="\.([^"]+)"', visitor.get("/errors").text)
    page = visitor.get(link.replace("&amp;", "&"))
    assert page.text.count('name="key"') == 3


@pytest.mark.parametrize(("verb", "target"), [("retry", "queue:default"), ("kill", "dead"), ("delete", None)])
def test_a_group_is_counted_confirmed_and_acted_on(
    visitor: Visitor, store: Server, verb: str, target: str | None
) -> None:
    fail(store, "retry", 9)
    page = visitor.get("/errors")
    assert f'formaction="./retries/all/{verb}"' in page.text
    query = re.findall(r'name="q" value="([^"]+)"', page.text)[0].replace("&#34;", '"')
    asked = visitor.post(f"/retries/all/{verb}", {"q": query})
    assert "3 jobs" in text_of(asked)
    assert store.client.zcard("retry") == 9
    visitor.post(f"/retries/all/{verb}", {"q": query, "total": "3", "confirm": "yes"})
    assert store.client.zcard("retry") == 6
    sizes = {"queue:default": store.client.llen, "dead": store.client.zcard}
    assert target is None or sizes[target](target) == 3


def test_a_large_group_is_confirmed_by_typing(visitor: Visitor, store: Server) -> None:
    fail(store, "retry", 1_200, kinds=1)
    query = re.findall(r'name="q" value="([^"]+)"', visitor.get("/errors").text)
    page = visitor.post("/retries/all/delete", {"q": query[0].replace("&#34;", '"')})
    assert "Type 400 to confirm" not in text_of(page)
    assert "Delete 400 jobs?" in text_of(page)


def test_a_role_is_offered_what_it_may(visit: MakeVisitor, store: Server) -> None:
    fail(store, "retry", 3)
    for access, verbs in ((VIEWER, set()), (OPERATOR, {"retry", "kill"})):
        page = visit(authorize=lambda _, access=access: access).get("/errors")
        assert set(re.findall(r'formaction="\./retries/all/(\w+)"', page.text)) == verbs
        assert page.status_code == 200


def test_a_page_counts_for_a_moment_and_the_rest_on_request(
    visitor: Visitor, store: Server, runner: asyncio.Runner, monkeypatch: Any
) -> None:
    fail(store, "retry", 3_500)
    monkeypatch.setattr(errors, "SEARCH_SECONDS", 0)
    page = visitor.get("/errors")
    assert "Counted 1,000 of 3,500 jobs so far." in text_of(page)
    assert groups(page)[0].endswith("+")
    page = visitor.post("/errors/count")
    assert page.url.path == "/errors"

    def is_done() -> bool:
        runner.run(asyncio.sleep(0.02))
        return "All 3,500 jobs counted." in text_of(visitor.get("/errors"))

    wait_until(is_done, 20, "all to be counted")
    assert sum(int(count.replace(",", "")) for count in groups(visitor.get("/errors"))) == 3_500
    store.client.delete("retry")
    assert "All 3,500 jobs counted." in text_of(visitor.get("/errors"))
    assert "Nothing fails" in text_of(visitor.post("/errors/count"))


def test_a_count_that_fails_says_why(
    visitor: Visitor, store: Server, runner: asyncio.Runner, monkeypatch: Any
) -> None:
    fail(store, "retry", 1_500)
    monkeypatch.setattr(errors, "SEARCH_SECONDS", 0)
    visitor.get("/errors")

    async def failing(*_: Any) -> None:
        raise teep.errors.RedisUnavailable("gone for lunch")

    monkeypatch.setattr(errors.Census, "count", failing)
    visitor.post("/errors/count")
    runner.run(asyncio.sleep(0))
    assert "gone for lunch" in text_of(visitor.get("/errors"))


def test_many_who_look_make_redis_count_once(visitor: Visitor, store: Server) -> None:
    fail(store, "retry", 500)
    visitor.get("/retries")
    with sent() as commands:
        visitor.get("/errors")
    assert len(commands) <= 5
    with sent() as commands:
        visitor.get("/errors")
    assert len(commands) <= 3


def test_whatever_failed_is_shown_as_text(visitor: Visitor, store: Server) -> None:
    store.client.zadd("retry", {raw: 1e9 + number for number, raw in enumerate(STRANGE)})
    fields = dict.fromkeys(("class", "error_class", "error_message", "display_class", "wrapped"), XSS)
    store.client.zadd("dead", {payload(1, **fields): 1e9})
    page = visitor.get("/errors")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert sum(map(int, groups(page))) == len(STRANGE) + 1


def test_nothing_that_fails_is_said(visitor: Visitor) -> None:
    assert "Nothing fails" in text_of(visitor.get("/errors"))


def test_the_filter_of_a_group_is_read_back_as_it_was(visitor: Visitor, store: Server) -> None:
    messages = ["[1] *?", 'say "no" \\ 5', "", "x" * 300, "two\nlines"]
    for number, message in enumerate(messages):
        store.client.zadd("retry", {payload(number, error_class=f"E[{number}]", error_message=message): 1.0})
    found = [
        name.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&")
        for name in re.findall(r'name="q" value="([^"]*)"', visitor.get("/errors").text)
    ]
    assert len(found) == len(messages)
    for query in found:
        assert words.parse(query).problems == []
        assert visitor.get("/retries", params={"q": query}).text.count('name="key"') == 1
