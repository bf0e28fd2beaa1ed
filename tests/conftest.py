"""Fixtures for every test: real servers, shared by the session or fresh for one test."""

import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Protocol, cast

import pytest

import teep
from teep.config import overridden
from teep.job import definition

# examples: the profiles of Hypothesis
from tests.support import collecting, dealing, drawing, durations, examples, leaks, roots  # noqa: F401
from tests.support.servers import KINDS, Kind, Server
from tests.support.special import AclServer, Sentinel, TlsServer, tls_kinds

# What a fixture takes as its `params` where tests are to run on every server.
EVERY_KIND = [*KINDS, pytest.param("redis8", marks=pytest.mark.root("trixie"))]


class ServerFactory(Protocol):
    """Starts a server that belongs to one test alone; it is closed when the test ends."""

    def __call__(
        self, kind: Kind = "valkey", *, append_only: bool = False, options: Sequence[str] = ()
    ) -> Server: ...


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    for plugin in (collecting, dealing, drawing, durations, leaks, roots):
        pluginmanager.register(plugin)


def pytest_configure() -> None:
    # A shell ignores SIGINT for what it starts in the background, and children inherit that: tests send it for real.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Not a plain `params=`: whether a build has TLS is found out by running it, so only where a test asks.
    if "tls_server" in metafunc.fixturenames:
        metafunc.parametrize("tls_server", tls_kinds(), indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a report travel to the process that prints it, whatever a test has logged: surrogates have no bytes."""
    return _encodable((yield))


def _encodable(data: Any) -> Any:
    match data:
        case str():
            return data.encode("utf-8", "backslashreplace").decode()
        case list() | tuple():
            return type(data)(map(_encodable, data))
        case dict():
            return {key: _encodable(value) for key, value in data.items()}
        case _:
            return data


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test defines its jobs anew, whatever other tests have named theirs."""
    monkeypatch.setattr(definition, "_registry", {})


@pytest.fixture
def offline() -> Iterator[teep.Config]:
    """The process-wide configuration, with a Redis that does not exist: whatever asks it fails."""
    with overridden(teep.Config(redis_url="redis://127.0.0.1:1")) as config:
        yield config


@pytest.fixture(scope="session")
def valkey() -> Iterator[Server]:
    """The session's Valkey. Flush it yourself, or take `server`."""
    with Server("valkey") as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """The session's Redis, as Debian ships it. Flush it yourself, or take `server`."""
    with Server("redis") as server:
        yield server


@pytest.fixture(scope="session")
def redis8() -> Iterator[Server]:
    """The session's Redis 8. Flush it yourself."""
    with Server("redis8") as server:
        yield server


def emptied(request: pytest.FixtureRequest) -> Server:
    """The session's server of the kind that a fixture's parameter names, emptied."""
    fixture = {"valkey": "valkey", "redis": "redis_server", "redis8": "redis8"}[request.param]
    server = cast("Server", request.getfixturevalue(fixture))
    server.flushall()
    return server


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    """An empty server: the test runs once on Valkey and once on Redis. Where scripts are tested, on Redis 8 too."""
    return emptied(request)


@pytest.fixture
def server_url(server: Server) -> str:
    """The URL of `server`."""
    return server.url


@pytest.fixture
def fresh_server() -> Iterator[ServerFactory]:
    """Starts servers for tests that kill, restart or configure their own."""
    with ExitStack() as servers:

        def start(kind: Kind = "valkey", *, append_only: bool = False, options: Sequence[str] = ()) -> Server:
            return servers.enter_context(Server(kind, append_only=append_only, options=options))

        yield start


@pytest.fixture(scope="session")
def tls_server(request: pytest.FixtureRequest) -> Iterator[TlsServer]:
    """A server behind TLS, once for each kind whose build has it."""
    with TlsServer(request.param) as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def acl_server(request: pytest.FixtureRequest) -> Iterator[AclServer]:
    """A server that asks for a user's password."""
    with AclServer(request.param) as server:
        yield server


@pytest.fixture
def sentinel() -> Iterator[Sentinel]:
    """A primary, a replica and a sentinel of its own: it takes about a second to start."""
    with Sentinel() as sentinel:
        yield sentinel
