"""A fleet for each test, on both servers."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server
from tests.worker.fleet import Fleet


@pytest.fixture
def fleet(server: Server) -> Iterator[Fleet]:
    """An empty server and no worker yet; what the test starts ends with it."""
    with Fleet(server) as fleet:
        yield fleet
