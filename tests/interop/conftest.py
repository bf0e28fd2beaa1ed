"""Fixtures for tests against each real Sidekiq, on a server of its time."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import pytest

import teep
from tests.interop.python_side import PythonTeep
from tests.interop.ruby_side import Ruby, RubySidekiq
from tests.interop.sidekiqs import SIDEKIQS, Sidekiq
from tests.support.servers import Server


class RubySidekiqFactory(Protocol):
    """Starts a Sidekiq process on the test's Redis; it is killed when the test ends."""

    def __call__(
        self, queues: Sequence[str] = ("default",), concurrency: int = 2, *, shutdown_timeout: int = 5
    ) -> RubySidekiq: ...


class PythonTeepFactory(Protocol):
    """Starts a teep worker on the test's Redis; it is stopped when the test ends."""

    def __call__(self, queues: Sequence[str] = ("default",), concurrency: int = 2) -> PythonTeep: ...


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for Ruby runs with every Sidekiq, or with those that its marker names."""
    if "sidekiq" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("sidekiq")
        versions = marker.args if marker else SIDEKIQS
        metafunc.parametrize("sidekiq", [needing(version) for version in versions], indirect=True, scope="session")


def needing(version: str) -> Any:
    """A Sidekiq as a parameter: its tests run together, since its Ruby and its server start for all of them."""
    root = SIDEKIQS[version].root
    together = pytest.mark.xdist_group(f"sidekiq {version}")
    return pytest.param(version, marks=[together, pytest.mark.root(root)] if root else [together])


@pytest.fixture(scope="session")
def sidekiq(request: pytest.FixtureRequest) -> Sidekiq:
    """The version of Sidekiq that the test runs with."""
    return SIDEKIQS[request.param]


@pytest.fixture(scope="session")
def redis_server(sidekiq: Sidekiq) -> Iterator[Server]:
    """The server that both sides share."""
    with Server(sidekiq.server) as server:
        yield server


@pytest.fixture(scope="session")
def _session_ruby(sidekiq: Sidekiq, redis_server: Server) -> Iterator[Ruby]:
    with Ruby(sidekiq, redis_server.url) as ruby:
        yield ruby


@pytest.fixture
def ruby(_session_ruby: Ruby, redis_server: Server) -> Ruby:
    """Sidekiq's client and data API on `redis_server`, which is empty when the test begins."""
    redis_server.flushall()
    return _session_ruby


@pytest.fixture
def ruby_sidekiq(ruby: Ruby, redis_server: Server) -> Iterator[RubySidekiqFactory]:
    """Starts real Sidekiq processes on `redis_server`. pytest shows their logs with a test that fails."""
    started: list[RubySidekiq] = []

    def start(
        queues: Sequence[str] = ("default",), concurrency: int = 2, *, shutdown_timeout: int = 5
    ) -> RubySidekiq:
        process = RubySidekiq(ruby.sidekiq, redis_server.url, queues, concurrency, shutdown_timeout=shutdown_timeout)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()  # an orderly end takes two seconds, and no test looks any more
        print(f"--- log of Sidekiq {process.identity}\n{process.log}")


@pytest.fixture
def python(ruby: Ruby, redis_server: Server) -> teep.Config:
    """teep's configuration on `redis_server`, for its client and data API."""
    return teep.Config(redis_url=redis_server.url)


@pytest.fixture
def python_teep(ruby: Ruby, redis_server: Server) -> Iterator[PythonTeepFactory]:
    """Starts teep workers on `redis_server`. pytest shows their logs with a test that fails."""
    with ExitStack() as started:

        def start(queues: Sequence[str] = ("default",), concurrency: int = 2) -> PythonTeep:
            return started.enter_context(PythonTeep(redis_server.url, queues, concurrency))

        yield start
