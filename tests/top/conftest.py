"""A fleet on the session's Valkey for `teep top` to show."""

import pytest

import teep
from tests.support.servers import Server
from tests.web.browser import shop


@pytest.fixture
def store(valkey: Server) -> Server:
    """The session's Valkey, emptied: what differs between servers is the data API's matter."""
    valkey.flushall()
    return valkey


@pytest.fixture
def config(store: Server) -> teep.Config:
    return teep.Config(redis_url=store.url)


@pytest.fixture
def fleet(store: Server, config: teep.Config, own_registry: None) -> Server:
    """A shop's fleet: jobs in every place, processes, errors, metrics."""
    shop.populate(store, config)
    return store
