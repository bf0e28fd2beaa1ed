"""Fixtures of the jobs' tests."""

import pytest

import teep
from teep.config import default
from tests.support.servers import Server


@pytest.fixture(autouse=True)
def _own_jobs(own_registry: None) -> None:
    """Each test defines its jobs anew."""


@pytest.fixture
def config(server: Server, monkeypatch: pytest.MonkeyPatch) -> teep.Config:
    """The process-wide configuration, on an empty Valkey and an empty Redis."""
    monkeypatch.setattr(default, "_default", None)
    return teep.configure(redis_url=server.url)
