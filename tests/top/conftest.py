"""A fleet on the session's Valkey for `teep top` to show."""

import pytest

import teep
from tests.support import emptied
from tests.support.servers import Server
from tests.web.browser import shop

store, config = emptied.store, emptied.config


@pytest.fixture
def fleet(store: Server, config: teep.Config, own_registry: None) -> Server:
    """A shop's fleet: jobs in every place, processes, errors, metrics."""
    shop.populate(store, config)
    return store
