"""Fixtures for tests against real Sidekiq, on Debian's Redis."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import pytest

from tests.interop.ruby_side import Ruby, RubySidekiq
from tests.support.servers import Server


class RubySidekiqFactory(Protocol):
    """Starts a Sidekiq process on the test's Redis; it is stopped when the test ends."""

    def __call__(
        self, queues: Sequence[str] = ("default",), concurrency: int = 2, *, shutdown_timeout: int = 5
    ) -> RubySidekiq: ...


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
