"""A fleet for each test, on both servers."""

from collections.abc import Iterator

import pytest

from teep.worker import rescuer
from tests.support.servers import Server
from tests.worker.fleet import Fleet


@pytest.fixture(autouse=True)
def _rescue_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rescuers in this process do not wait until they have been in touch with Redis for some time."""
    monkeypatch.setattr(rescuer, "_GRACE", 0.0)


@pytest.fixture
def fleet(server: Server) -> Iterator[Fleet]:
    """An empty server and no worker yet; what the test starts ends with it."""
    with Fleet(server) as fleet:
        yield fleet
