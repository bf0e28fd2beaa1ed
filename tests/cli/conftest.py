"""Fixtures for commands that are called in this process."""

import pytest

import teep
from teep.cli.options import Reaching
from tests.support.servers import Server


@pytest.fixture
def configured(server: Server, monkeypatch: pytest.MonkeyPatch) -> teep.Config:
    """The configuration of an empty server, on which every command of this process is."""
    config = teep.Config(redis_url=server.url)
    monkeypatch.setattr(Reaching, "configured", lambda _flags: config)
    return config
