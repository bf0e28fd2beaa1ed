"""Workflows on a server that is the one of the process-wide configuration."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server
from tests.worker.fleet import Fleet, process_wide


@pytest.fixture
def here(server: Server) -> Iterator[Fleet]:
    """An empty server, and no worker yet."""
    with process_wide(server) as fleet:
        yield fleet
