"""Plans run through the thread driver on both servers."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import pytest

from teep.drivers import Driver
from teep.wire.commands import Plan
from tests.support.servers import Server

T = TypeVar("T")


class Run(Protocol):
    """Runs a plan and returns its result."""

    def __call__(self, plan: Plan[T], /) -> T: ...


@pytest.fixture
def driver(server: Server) -> Iterator[Driver]:
    driver = Driver(server.url)
    yield driver
    driver.close()


@pytest.fixture
def run(driver: Driver) -> Run:
    return driver.run
