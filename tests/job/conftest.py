"""Fixtures of the jobs' tests."""

from collections.abc import Iterator

import pytest

import teep
from teep.config import isolated
from tests.support.servers import Server


@pytest.fixture(autouse=True)
def _own_jobs(own_registry: None) -> None:
    """Each test defines its jobs anew."""


@pytest.fixture
def config(server: Server) -> Iterator[teep.Config]:
    """The process-wide configuration, on an empty Valkey and an empty Redis."""
    with isolated():
        yield teep.configure(redis_url=server.url)
