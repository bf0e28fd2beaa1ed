"""Fixtures of tests that look at one store: the session's Valkey, emptied, and a config for it.

A conftest imports them by name. Differences between servers are the data API's matter.
"""

import pytest

import teep
from tests.support.servers import Server


@pytest.fixture
def store(valkey: Server) -> Server:
    """The session's Valkey, emptied."""
    valkey.flushall()
    return valkey


@pytest.fixture
def config(store: Server) -> teep.Config:
    return teep.Config(redis_url=store.url)
