"""Limits on a server, which is the one of the process-wide configuration."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server
from tests.worker.fleet import Fleet, process_wide


def lease_of(here: Fleet, name: str = "c") -> float:
    """When the lease of the only holder of a concurrent limit ends."""
    ((_, ends),) = here.server.command("ZRANGEBYSCORE", f"{{teep:limit:{name}}}:line", 0, "+inf", "WITHSCORES")
    return float(ends)


@pytest.fixture
def here(server: Server) -> Iterator[Fleet]:
    """An empty server, and no worker yet; limits are on it."""
    with process_wide(server) as fleet:
        yield fleet
