"""A page is read once a second for all who see the very same."""

import re
from typing import Any

import pytest
from starlette.requests import Request

import teep
from teep.web import ADMIN, VIEWER, Access
from tests.api.trips import sent
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor, fill
from tests.web.test_jobsets import key
from tests.web.visitor import Visitor

PAGES = ("/", "/busy", "/queues", "/queues/default", "/retries", "/scheduled", "/dead", "/errors", "/metrics")


@pytest.fixture(autouse=True)
def unshared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.web.rendering.shared.SECONDS", 1000)


@pytest.mark.parametrize("path", PAGES)
def test_the_same_page_is_read_once(visitor: Visitor, store: Server, path: str) -> None:
    fill(store, "retry", 3)
    first = visitor.get(path)
    with sent() as commands:
        second = visitor.get(path)
    assert commands == []
    nonces = [re.findall(r"nonce-([^']+)", page.headers["content-security-policy"])[0] for page in (first, second)]
    assert nonces[0] != nonces[1]
    assert second.text == first.text.replace(nonces[0], nonces[1])
    assert second.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "other",
    [
        {"params": {"count": 50}},
        {"headers": {"accept-language": "de"}},
        {"headers": {"cookie": "teep_theme=dark"}},
        {"headers": {"cookie": "teep_keys=off"}},
        {"headers": {"x-who": "bob"}},
        {"headers": {"x-role": "viewer"}},
        {"headers": {"x-arguments": "hide"}},
    ],
)
def test_what_differs_in_anything_is_another_page(visit: MakeVisitor, store: Server, other: Any) -> None:
    def authorize(request: Request) -> Access:
        role = VIEWER if "x-role" in request.headers else ADMIN
        arguments: Any = request.headers.get("x-arguments", "show")
        return Access(act=role.act, who=request.headers.get("x-who", "ann"), arguments=arguments)

    visitor = visit(authorize=authorize)
    visitor.get("/retries")
    with sent() as commands:
        visitor.get("/retries", **other)
    assert commands


def test_arguments_by_a_function_are_never_shared(visit: MakeVisitor, store: Server) -> None:
    fill(store, "retry", 1)
    shown = iter(["anns", "bobs"])
    visitor = visit(arguments=lambda _: next(shown))
    assert "anns" in visitor.get("/retries").text
    assert "bobs" in visitor.get("/retries").text


def test_a_change_is_seen_at_once(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 3)
    assert visitor.get("/retries").text.count('name="key"') == 3
    told = visitor.post("/retries", {"key": key(0), "delete": "1"})
    assert told.text.count('name="key"') == 2
    assert visitor.get("/retries").text.count('name="key"') == 2
    visitor.ask("POST", "/api/retries", json={"action": "delete", "keys": [key(1)]})
    assert visitor.get("/retries").text.count('name="key"') == 1


def test_a_flash_is_for_one(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 3)
    told = visitor.post("/retries", {"key": key(0), "delete": "1"})
    assert 'class="flash"' in told.text
    with sent() as commands:
        visitor.get(told.url.raw_path.decode())
    assert commands


def test_what_went_wrong_is_not_kept(visitor: Visitor, store: Server) -> None:
    assert visitor.get("/metrics/~%00").status_code < 500
    store.client.set("queues", "no set")
    assert visitor.get("/queues").status_code == 409
    store.client.delete("queues")
    assert visitor.get("/queues").status_code == 200


def test_few_pages_are_kept(visitor: Visitor, config: teep.Config) -> None:
    for number in range(100):
        visitor.get("/queues", params={"x": number})
    with sent() as commands:
        visitor.get("/queues", params={"x": 99})
        assert commands == []
        visitor.get("/queues", params={"x": 0})
        assert commands
