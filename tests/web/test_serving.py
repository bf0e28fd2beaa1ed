"""The page alone: what it needs to be reached from outside, and its live stream over a real connection."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import uvicorn

import teep
import teep.web
from teep.errors import ConfigurationError
from teep.web import live
from teep.web.serving import alone, is_loopback
from tests.support.servers import Server, free_port
from tests.support.waiting import wait_until
from tests.web.visitor import Visitor


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an app, and give its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, 30, "the page to be served")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com"])
def test_outside_of_this_machine_it_asks_for_a_password(host: str) -> None:
    with pytest.raises(ConfigurationError, match="ask for a password"):
        alone(None, host=host)
    assert alone(None, host=host, token="t")
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1", "/run/teep.sock"])
def test_on_this_machine_it_needs_none(host: str) -> None:
    assert alone(None, host=host)


def test_where_nothing_can_listen_is_told(config: teep.Config) -> None:
    said = "Address already in use; choose another address or port"
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigurationError, match=said):
        teep.web.serve(config, port=taken.getsockname()[1])
    with pytest.raises(ConfigurationError, match="from 0 to 65535, not 70000"):
        teep.web.serve(config, port=70_000)
    with pytest.raises(ConfigurationError, match=r"cannot listen at nonsense\.invalid:9797"):
        teep.web.serve(config, host="nonsense.invalid", token="t")


@pytest.mark.parametrize("wrong", [{"auth": "user"}, {"auth": ":p"}, {"auth": "u:"}, {"token": ""}])
def test_half_a_password_is_none(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        alone(None, host="0.0.0.0", **wrong)


def test_a_password_or_a_token_opens_it(config: teep.Config, runner: asyncio.Runner) -> None:
    visitor = Visitor(alone(config, host="0.0.0.0", auth="ann:s3cret:é", token="tök"), runner)
    answer = visitor.get("/")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="teep", charset="UTF-8"')
    assert "ann" not in answer.text
    wrong = ["Basic", "Basic !", "Basic YW5uOng=", "Bearer", "Bearer tok", "Digest x"]
    assert {visitor.get("/", headers={"authorization": given}).status_code for given in wrong} == {401}
    basic = httpx2.BasicAuth("ann", "s3cret:é")
    assert "as ann" in visitor.get("/", auth=basic).text
    assert visitor.get("/", headers={b"authorization": "Bearer tök".encode("latin-1")}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9797", 200), ("127.0.0.1", 200), ("[::1]:9797", 200), ("LOCALHOST", 200), ("a.localhost", 200),
        ("evil.example", 403), ("evil.example:9797", 403), ("localhost.evil.example", 403), ("192.168.1.7", 403),
        # Browsers take these for names, and Starlette for none.
        ("a{b.evil.example", 403), ('a"b.evil.example', 403), ("a`b.evil.example:9797", 403),
        ("[::1", 403), ("", 403),
    ],
)  # fmt: skip
def test_alone_it_answers_under_names_of_this_machine(
    config: teep.Config, runner: asyncio.Runner, host: str, status: int
) -> None:
    start = asked_of(alone(config, host="127.0.0.1"), runner, "/", host=host.encode())
    assert start["status"] == status


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/retries/", 307), ("/nowhere", 404)])
def test_a_query_that_is_no_utf8_is_answered(
    config: teep.Config, runner: asyncio.Runner, path: str, status: int
) -> None:
    start = asked_of(teep.web.app(config), runner, path, query=b"q=\xff\r\n")
    assert start["status"] == status
    assert b"\r" not in dict(start["headers"]).get(b"location", b"")


def asked_of(app: Any, runner: asyncio.Runner, path: str, *, host: bytes = b"localhost", query: bytes = b"") -> Any:
    """Ask an app as a server at loopback does; returns how the answer starts."""
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query,
        "headers": [(b"host", host)], "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 9797),
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    runner.run(app(scope, receive, send))
    return sent[0]


def _events(answer: httpx2.Response, count: int) -> list[str]:
    return _next(answer.iter_lines(), count)


def _next(read: Iterator[str], count: int) -> list[str]:
    found: list[str] = []
    lines: list[str] = []
    for line in read:
        if line:
            lines.append(line)
            continue
        found.append("\n".join(lines))
        lines = []
        if len(found) == count:
            break
    return found


def test_all_streams_share_one_sampler(config: teep.Config, store: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "SECONDS", 0.02)
    page = teep.web.app(config)
    with served(page) as address, httpx2.Client(base_url=address, timeout=30) as client:
        store.client.set("stat:processed", 4711)
        with client.stream("GET", "/live") as one, client.stream("GET", "/live") as other:
            assert one.headers["content-type"].startswith("text/event-stream")
            assert one.headers["x-accel-buffering"] == "no"
            assert one.headers["content-security-policy"]
            reading = [one.iter_lines(), other.iter_lines()]  # a stream is left when its reader goes
            for read in reading:
                first, second = _next(read, 2)
                assert first == "retry: 5000"
                assert second.startswith('data: <dl id="summary"')
                assert "4,711" in second
            sampler = live.Sampler.of(page.site)
            assert sampler.listening == 2
        wait_until(lambda: sampler.listening == 0, 30, "the streams to be left")
        assert "4,711" in client.get("/live/summary").text


@pytest.mark.parametrize("path", ["/live", "/live/summary"])
def test_links_in_what_is_swapped_lead_from_the_page_that_asked(config: teep.Config, path: str) -> None:
    with served(teep.web.app(config)) as address, httpx2.Client(base_url=address, timeout=30) as client:
        for depth, link in (("2", 'href="../../retries"'), ("0", 'href="./retries"'), ("x", 'href="./retries"')):
            with client.stream("GET", path, params={"depth": depth}) as stream:
                assert link in (_events(stream, 2)[1] if path == "/live" else stream.read().decode())


def test_a_stream_lives_through_an_outage(config: teep.Config, store: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "SECONDS", 0.02)
    asked = teep.AsyncStats.fetch_stats
    failures = iter([teep.errors.RedisUnavailable("away")] * 3)

    async def shaky(stats: Any) -> Any:
        for failure in failures:
            raise failure
        return await asked.__get__(stats)()

    monkeypatch.setattr(teep.AsyncStats, "fetch_stats", shaky)
    with (
        served(teep.web.app(config)) as address,
        httpx2.Client(base_url=address, timeout=30).stream("GET", "/live") as stream,
    ):
        assert "summary" in _events(stream, 2)[1]


def test_a_silent_stream_says_that_it_lives(config: teep.Config, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "_HEARTBEAT", 0.02)
    monkeypatch.setattr(live, "SECONDS", 60)
    with (
        served(teep.web.app(config)) as address,
        httpx2.Client(base_url=address, timeout=30).stream("GET", "/live") as stream,
    ):
        assert ": still here" in _events(stream, 4)
