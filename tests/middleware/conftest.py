"""Fixtures of the middleware's tests."""

from collections.abc import Iterator

import pytest

import teep
from teep.config import overridden
from teep.job import definition
from tests.support.servers import Server
from tests.worker.fleet import Fleet


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test defines its jobs anew."""
    monkeypatch.setattr(definition, "_registry", {})


@pytest.fixture
def offline() -> Iterator[teep.Config]:
    """The process-wide configuration, with a Redis that does not exist: whatever asks it fails."""
    with overridden(teep.Config(redis_url="redis://127.0.0.1:1")) as config:
        yield config


@pytest.fixture
def fleet(valkey: Server) -> Iterator[Fleet]:
    """An empty server and no worker yet; its configuration is the process-wide one, for jobs that push jobs."""
    valkey.flushall()
    with Fleet(valkey) as fleet, overridden(fleet.config):
        yield fleet
