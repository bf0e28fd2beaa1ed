"""Fixtures of the client's tests and of the worker's: a feature has to do with both."""

from collections.abc import Iterator

import pytest

from teep.config import Config
from tests.client.conftest import side
from tests.support import refusing
from tests.support.servers import Server
from tests.worker.conftest import fleet, valkey_fleet

__all__ = ["fleet", "side", "valkey_fleet"]


@pytest.fixture
def limited(server: Server) -> Iterator[Config]:
    """The configuration of a user that may do all, until `tests.support.refusing.allow` says otherwise."""
    with refusing.limited(server) as url:
        yield Config(redis_url=url)
