"""Plans run through the thread driver on every server."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import pytest

from teep.drivers import Driver
from teep.wire.command import Plan
from tests.conftest import EVERY_KIND, emptied
from tests.support.servers import Server

T = TypeVar("T")


class Run(Protocol):
    """Runs a plan and returns its result."""

    def __call__(self, plan: Plan[T], /) -> T: ...


@pytest.fixture(params=EVERY_KIND)
def server(request: pytest.FixtureRequest) -> Server:
    """An empty server of each kind."""
    return emptied(request)


@pytest.fixture
def driver(server: Server) -> Iterator[Driver]:
    driver = Driver(server.url)
    yield driver
    driver.close()


@pytest.fixture
def run(driver: Driver) -> Run:
    return driver.run
