"""Fixtures of the client's tests."""

from collections.abc import Iterator

import pytest

from tests.api.sides import SIDES, Side, opened
from tests.support.servers import Server


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, server: Server) -> Iterator[Side]:
    """Either side, on an empty Valkey and an empty Redis: `side.run(side.client().push(…))`."""
    with opened(request.param, server) as side:
        yield side
