"""Headers on every answer, proof that our page asked, roles, and no session anywhere."""

import logging
import re
from html import unescape
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import teep
from teep.api.web import AsyncWebSecret
from teep.errors import RedisCommandError, RedisUnavailable
from teep.web import ADMIN, OPERATOR, VIEWER, Access, Pages
from teep.web.guard.safety import Signer
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor, fill
from tests.web.visitor import OURS, Visitor, text_of

PAGES = ["/", "/retries", "/scheduled", "/dead", "/morgue", "/nowhere", "/live/summary", "/retries/1.0-x"]
KEY = f"1000000.0-{0:024x}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("path", [*PAGES, "/static/nothing.css", "/retries/"])
def test_every_answer_has_the_headers(visitor: Visitor, path: str) -> None:
    answer = visitor.ask("GET", path)
    policy = answer.headers["content-security-policy"]
    nonce = re.findall(r"'nonce-([\w-]{20,})'", policy)
    assert policy == (
        f"default-src 'none'; script-src 'nonce-{nonce[0]}' 'strict-dynamic'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    )
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_each_answer_has_a_nonce_of_its_own_which_its_scripts_have(visitor: Visitor) -> None:
    nonces = set()
    for _ in range(2):
        answer = visitor.get("/")
        (nonce,) = re.findall(r"'nonce-([\w-]+)'", answer.headers["content-security-policy"])
        scripts = re.findall(r"<script([^>]*)>", answer.text)
        assert scripts
        assert all(f'nonce="{nonce}"' in script for script in scripts)
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_inline(visitor: Visitor, store: Server, path: str) -> None:
    fill(store, "retry", 3)
    page = visitor.get(path).text
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on|<script[^>]*>[^<]", page)
    assert "http://" not in re.sub(r'xmlns="[^"]*"', "", page)
    assert "https://" not in page


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_another_site_can_ask_for_no_change(visitor: Visitor, store: Server, site: str) -> None:
    fill(store, "retry", 1)
    token = token_of(visitor)
    answer = visitor.post("/retries", {"key": KEY, "delete": "yes", "token": token}, {"Sec-Fetch-Site": site})
    assert answer.status_code == 403
    assert "Another site asked" in text_of(answer)
    assert store.client.zcard("retry") == 1


def test_without_the_header_a_form_has_its_token(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 1)
    for wrong in ("", "1.2", "x", "é.é", token_of(visitor)[:-1]):
        answer = visitor.post("/retries", {"key": KEY, "delete": "yes", "token": wrong}, {})
        assert (answer.status_code, store.client.zcard("retry")) == (403, 1)
    assert visitor.post("/retries", {"key": KEY, "delete": "yes", "token": token_of(visitor)}, {}).status_code == 200
    assert store.client.zcard("retry") == 0


def test_too_many_fields_are_refused(visitor: Visitor) -> None:
    answer = visitor.ask("POST", "/retries", content="a&" * 100_000, headers=OURS | FORM)
    assert answer.status_code == 413


def test_strangers_get_nothing_but_the_pages_own_files(visit: MakeVisitor) -> None:
    async def told(_: Any) -> Any:
        return PlainTextResponse("secret")

    def away(_: Any) -> Any:
        raise RedisUnavailable("10.1.2.3 refuses")

    routes = [Route("/static/deep/down", told), Route("/static/do", told, methods=["POST"])]
    stranger = visit(authorize=lambda _: None, pages=[Pages(routes)])
    assert stranger.get("/static/deep/down").status_code == 401
    assert stranger.post("/static/do").status_code == 401
    for path in ("/", "/api/stats"):
        answer = visit(authorize=away).get(path)
        assert answer.status_code == 503
        assert "10.1.2.3" not in answer.text


def test_a_token_is_for_one_visitor_and_some_hours(visit: MakeVisitor, store: Server, monkeypatch: Any) -> None:
    fill(store, "retry", 1)
    one, other = (visit(authorize=lambda _, who=who: Access(act=ADMIN.act, who=who)) for who in "ab")
    token = token_of(one)
    assert other.post("/retries", {"key": KEY, "delete": "yes", "token": token}, {}).status_code == 403
    monkeypatch.setattr("teep.web.guard.safety._FORM_SECONDS", 0)
    assert one.post("/retries", {"key": KEY, "delete": "yes", "token": token}, {}).status_code == 403


def test_a_secret_is_asked_for_again_where_redis_refused_it(
    visit: MakeVisitor, store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Any) -> bytes:
        raise RedisCommandError("READONLY")

    fill(store, "retry", 1)
    one, other = visit(), visit()
    with monkeypatch.context() as patch:
        patch.setattr(AsyncWebSecret, "read", refused)
        assert token_of(one)
    assert other.post("/retries", {"key": KEY, "retry": "1", "token": token_of(one)}, {}).status_code == 200


def test_processes_share_the_secret(visit: MakeVisitor, store: Server) -> None:
    fill(store, "retry", 1)
    one, other = visit(), visit()
    assert other.post("/retries", {"key": KEY, "retry": "1", "token": token_of(one)}, {}).status_code == 200
    assert store.client.zcard("retry") == 0


def test_too_large_a_form_is_refused(visitor: Visitor, monkeypatch: Any) -> None:
    monkeypatch.setattr("teep.web.guard.safety.MOST_BYTES", 100)
    answer = visitor.post("/retries", {"key": "x" * 200, "retry": "1"})
    assert answer.status_code == 413
    assert "too large" in text_of(answer)


ALLOWED: dict[str, tuple[Access, set[str]]] = {
    "viewer": (VIEWER, set()),
    "operator": (OPERATOR, {"retry", "kill"}),
    "admin": (ADMIN, {"retry", "kill", "delete"}),
}


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_sees_and_may_do_its_verbs(visit: MakeVisitor, store: Server, role: str) -> None:
    access, verbs = ALLOWED[role]
    visitor = visit(authorize=lambda _: access)
    for verb in ("retry", "kill", "delete"):
        store.flushall()
        fill(store, "retry", 1)
        page = visitor.get("/retries").text
        assert (f'name="{verb}"' in page) is (verb in verbs)
        assert (f"retries/all/{verb}" in page) is (verb in verbs)
        for path, data in (("/retries", {"key": KEY, verb: "1"}), (f"/retries/{KEY}", {verb: "1"})):
            store.flushall()
            fill(store, "retry", 1)
            answer = visitor.post(path, data)
            assert (answer.status_code, store.client.zcard("retry")) == ((200, 0) if verb in verbs else (403, 1))
        store.flushall()
        fill(store, "retry", 1)
        answer = visitor.post(f"/retries/all/{verb}", {"confirm": "yes"})
        assert (answer.status_code, store.client.zcard("retry")) == ((200, 0) if verb in verbs else (403, 1))
    assert visitor.get("/retries").status_code == 200


def test_read_only_takes_every_verb_away(visit: MakeVisitor, store: Server) -> None:
    fill(store, "retry", 1)
    visitor = visit(read_only=True)
    page = visitor.get("/retries")
    assert "read-only" in text_of(page)
    assert 'type="checkbox"' not in page.text
    assert visitor.post("/retries", {"key": KEY, "retry": "1"}).status_code == 403
    assert visitor.get("/live/summary").status_code == 200


async def _later(request: Any) -> Access | None:
    return VIEWER if request.headers.get("x-user") else None


def test_who_is_not_logged_in_is_told_so(visit: MakeVisitor) -> None:
    visitor = visit(authorize=_later)
    answer = visitor.get("/retries")
    assert answer.status_code == 401
    assert "You are not logged in" in text_of(answer)
    assert visitor.get("/retries", headers={"x-user": "ann"}).status_code == 200
    nothing = visit(authorize=lambda _: Access(read=False)).get("/")
    assert nothing.status_code == 403
    assert not [page for page in (answer, nothing) if "redis://" in page.text]


def test_a_probe_needs_neither_a_login_nor_redis(runner: Any) -> None:
    page = teep.web.app(teep.Config(redis_url="redis://127.0.0.1:1"), authorize=lambda _: None)
    visitor = Visitor(page, runner)
    answer = visitor.ask("HEAD", "/")
    assert (answer.status_code, answer.text) == (200, "")
    assert visitor.ask("HEAD", "/retries").status_code == 401


def test_an_action_is_recorded(config: teep.Config, runner: Any, store: Server, caplog: Any) -> None:
    fill(store, "retry", 3)
    heard: list[Any] = []
    config.on("audit", heard.append)
    page = teep.web.app(config, authorize=lambda _: Access(act=ADMIN.act, who="ann@example.com"))
    with caplog.at_level(logging.INFO, "teep.web.audit"):
        visitor = Visitor(page, runner)
        visitor.post("/retries", {"key": KEY, "delete": "1"})
        visitor.post("/retries/all/retry", {"q": "class:job_1"})
        visitor.post("/retries/all/retry", {"q": "class:job_1", "confirm": "yes"})
    expected = [
        ("delete", f"jid:{0:024x}", 1, False),
        ("retry", "class:job_1", 1, True),
        ("retry", "class:job_1", 1, False),
    ]
    assert [(one["verb"], one["filter"], one["count"], one["dry_run"]) for one in heard] == expected
    assert {(one["who"], one["where"], one["ip"]) for one in heard} == {("ann@example.com", "retries", "127.0.0.1")}
    assert caplog.messages[0] == f"ann@example.com delete in retries: 1 jobs that match 'jid:{0:024x}'"


def test_an_access_knows_its_verbs() -> None:
    with pytest.raises(teep.errors.InvalidValue, match="did you mean 'retry'"):
        Access(act={"retri"})
    with pytest.raises(teep.errors.InvalidValue, match="arguments must be"):
        teep.web.app(arguments="no")  # type: ignore[arg-type]


def test_preferences_are_cookies(visitor: Visitor) -> None:
    answer = visitor.post("/preferences", {"theme": "dark", "language": "de", "back": "/retries"}, follow=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "./retries")
    cookies = answer.headers.get_list("set-cookie")
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie for cookie in cookies)
    page = visitor.get("/retries").text
    assert 'lang="de" data-theme="dark"' in page
    visitor.post("/preferences", {"theme": '"><x', "language": "../../etc"})
    assert 'lang="de" data-theme="dark"' in visitor.get("/").text
    visitor.post("/preferences", {"keys": "off"})
    assert 'data-theme="dark" data-keys="off"' in visitor.get("/").text


@pytest.mark.parametrize("path", ["/retries/all/retry", "/queues/a/all/delete", "/nowhere/at/all", "/retries"])
def test_preferences_lead_back_to_a_page_from_the_answer_to_a_form(visitor: Visitor, path: str) -> None:
    (back,) = re.findall(r'name="back" value="([^"]*)"', visitor.post(path).text)
    assert back == "/" + path.split("/")[1]


def test_preferences_lead_back_to_the_very_page(visitor: Visitor) -> None:
    page = visitor.get("/retries?q=class%3Aa%26b&count=50&flash=x").text
    (back,) = re.findall(r'name="back" value="([^"]*)"', page)
    answer = visitor.post("/preferences", {"theme": "dark", "back": unescape(back)}, follow=False)
    assert answer.headers["location"] == "./retries?q=class%3Aa%26b&count=50"


def test_a_sentence_of_another_version_is_left_out(visitor: Visitor, store: Server) -> None:
    visitor.get("/")
    signer = Signer(store.command("GET", "teep:web:secret"))
    shown = visitor.get("/", params={"flash": signer.sign(["done.delete", {"count": 1}])})
    assert "1 job is deleted" in text_of(shown)
    for strange in (["done.no_more", {}], ["done.delete", {}], ["done.some", {"other": 1}]):
        assert visitor.get("/", params={"flash": signer.sign(strange)}).status_code == 200


def token_of(visitor: Visitor) -> str:
    """The token of the forms on a page."""
    return str(re.findall(r'name="token" value="([^"]+)"', visitor.get("/dead").text)[0])
