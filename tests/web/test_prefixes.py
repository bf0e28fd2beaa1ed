"""The page under prefixes and behind proxies: no link leaves the prefix, and each leads to something."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import a2wsgi
import httpx2
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

import teep
import teep.web
from teep.web.serving import under
from tests.support.servers import Server
from tests.web.conftest import fill
from tests.web.visitor import Visitor, links, text_of


def _in_starlette(page: Any) -> Any:
    def theirs(_request: Any, _error: Any) -> PlainTextResponse:
        return PlainTextResponse("the host's own", 500)

    return Starlette(routes=[Mount("/jobs", page)], exception_handlers={HTTPException: theirs, 404: theirs})


def _in_fastapi(page: Any) -> Any:
    app = FastAPI()
    app.mount("/jobs", page)
    return app


def _deep(page: Any) -> Any:
    return Starlette(routes=[Mount("/jobs", Starlette(routes=[Mount("/teep", page)]))])


def _stripping(page: Any) -> Any:
    async def proxy(scope: Any, receive: Any, send: Any) -> None:
        path, raw = scope["path"].removeprefix("/jobs"), scope["raw_path"].removeprefix(b"/jobs")
        await under(page, "/jobs")({**scope, "path": path, "raw_path": raw}, receive, send)

    return proxy


def _keeping(page: Any) -> Any:
    return under(page, "/jobs")


HOSTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "alone": (lambda page: page, ""),
    "starlette": (_in_starlette, "/jobs"),
    "fastapi": (_in_fastapi, "/jobs"),
    "deep": (_deep, "/jobs/teep"),
    "stripping proxy": (_stripping, "/jobs"),
    "keeping proxy": (_keeping, "/jobs"),
}


@pytest.fixture(params=HOSTS)
def hosted(request: pytest.FixtureRequest, config: teep.Config, runner: asyncio.Runner) -> Iterator[Visitor]:
    host, prefix = HOSTS[request.param]
    visitor = Visitor(host(teep.web.app(config)), runner, prefix)
    yield visitor
    visitor.close()


@pytest.mark.parametrize("path", ["/", "/retries", "/retries?q=class:app", "/nowhere/deeper", "/nowhere/a%2Fb"])
def test_links_stay_below_the_prefix_and_lead_somewhere(hosted: Visitor, store: Server, path: str) -> None:
    fill(store, "retry", 2)
    found = links(hosted.get(path))
    assert len(found) > 8
    assert all(link.startswith(f"{hosted.prefix}/") for link in found)
    for link in found:
        inner = link.removeprefix(hosted.prefix)
        if not inner.startswith(("/live", "/queues", "/preferences", "/nowhere", "/retries/all")):
            assert hosted.get(inner).status_code == 200, link


def test_an_action_leads_back(hosted: Visitor, store: Server) -> None:
    fill(store, "retry", 2)
    answer = hosted.post(f"/retries/1000000.0-{0:024x}", {"delete": "1", "q": "class:app"})
    assert answer.status_code == 200
    assert answer.url.path == f"{hosted.prefix}/retries"
    assert "1 job is deleted" in text_of(answer)


def test_errors_are_the_pages_own(hosted: Visitor) -> None:
    answer = hosted.get("/nowhere")
    assert answer.status_code == 404
    assert "There is nothing here" in text_of(answer)


@pytest.mark.parametrize("path", ["/retries/", "/retries/?q=class:app"])
def test_a_slash_too_many_is_taken_away(hosted: Visitor, path: str) -> None:
    answer = hosted.get(path)
    assert (answer.status_code, answer.url.path) == (200, f"{hosted.prefix}/retries")


def test_under_wsgi_the_page_polls(config: teep.Config) -> None:
    """As a2wsgi serves it in Flask and others, whose dispatcher puts the prefix into SCRIPT_NAME."""
    wsgi = a2wsgi.ASGIMiddleware(cast("Any", teep.web.app(config)))

    def dispatched(environ: Any, start_response: Any) -> Any:
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/jobs", environ["PATH_INFO"].removeprefix("/jobs")
        return wsgi(environ, start_response)

    with httpx2.Client(transport=httpx2.WSGITransport(dispatched), base_url="http://teep.test") as client:
        for path in ("/jobs", "/jobs/", "/jobs/retries"):
            answer = client.get(path, follow_redirects=True)
            assert answer.status_code == 200
            assert 'hx-trigger="every 5s"' in answer.text
            assert "hx-sse:connect" not in answer.text
            assert all(link.startswith("/jobs/") for link in links(answer))


def test_a_websocket_is_none_of_ours(config: teep.Config) -> None:
    with pytest.raises(RuntimeError, match="speaks HTTP"):
        asyncio.run(teep.web.app(config)({"type": "websocket"}, None, None))  # type: ignore[arg-type]
