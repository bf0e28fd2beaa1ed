"""Fixtures of the middleware's tests."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server
from tests.worker.fleet import Fleet, process_wide


@pytest.fixture(autouse=True)
def _own_jobs(own_registry: None) -> None:
    """Each test defines its jobs anew."""


@pytest.fixture
def fleet(valkey: Server) -> Iterator[Fleet]:
    """See `process_wide`."""
    with process_wide(valkey) as fleet:
        yield fleet
