"""Fixtures of the data API's conformance suite: {sync, async} x {Valkey, Redis}."""

from collections.abc import Iterator

import pytest

from tests.api.sides import SIDES, Side, opened
from tests.support.servers import Server


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, server: Server) -> Iterator[Side]:
    """Either side of the data API, on an empty Valkey and an empty Redis."""
    with opened(request.param, server) as side:
        yield side
