"""Fixtures for tests against real Sidekiq, on Debian's Redis."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Protocol

import pytest

import teep
from tests.interop.python_side import PythonTeep
from tests.interop.ruby_side import Ruby, RubySidekiq
from tests.support.servers import Server


class RubySidekiqFactory(Protocol):
    """Starts a Sidekiq process on the test's Redis; it is stopped when the test ends."""

    def __call__(
        self, queues: Sequence[str] = ("default",), concurrency: int = 2, *, shutdown_timeout: int = 5
    ) -> RubySidekiq: ...


class PythonTeepFactory(Protocol):
    """Starts a teep worker on the test's Redis; it is stopped when the test ends."""

    def __call__(self, queues: Sequence[str] = ("default",), concurrency: int = 2) -> PythonTeep: ...


@pytest.fixture(scope="session")
def _session_ruby(redis_server: Server) -> Iterator[Ruby]:
    with Ruby(redis_server.url) as ruby:
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
        sidekiq = RubySidekiq(redis_server.url, queues, concurrency, shutdown_timeout=shutdown_timeout)
        started.append(sidekiq)
        return sidekiq

    yield start
    for sidekiq in started:
        sidekiq.stop()
        print(f"--- log of Sidekiq {sidekiq.identity}\n{sidekiq.log}")


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
