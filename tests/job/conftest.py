"""Fixtures of the jobs' tests."""

import pytest

import teep
from teep.config import default
from teep.job import definition
from tests.support.servers import Server


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test defines its jobs anew."""
    monkeypatch.setattr(definition, "_registry", {})


@pytest.fixture
def config(server: Server, monkeypatch: pytest.MonkeyPatch) -> teep.Config:
    """The process-wide configuration, on an empty Valkey and an empty Redis."""
    monkeypatch.setattr(default, "_default", None)
    return teep.configure(redis_url=server.url)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> teep.Config:
    """A process-wide configuration that no test may use to reach a Redis."""
    monkeypatch.setattr(default, "_default", None)
    return teep.configure(redis_url="redis://127.0.0.1:1")
