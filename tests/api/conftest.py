"""Fixtures of the data API's conformance suite: {sync, async} x {Valkey, Redis}."""

from collections.abc import Iterator

import pytest

from teep.api.jobs.selection import sweep
from teep.store.jobs import jobsets, queues, slices
from tests.api.sides import SIDES, Side, opened
from tests.support.servers import Server


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, server: Server) -> Iterator[Side]:
    """Either side of the data API, on an empty Valkey and an empty Redis."""
    with opened(request.param, server) as side:
        yield side


# What is read or moved at once is a fifth of what it is elsewhere, so a fifth of the jobs makes as many pages.
FIFTH = 5


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues and sets are read and moved a hundred jobs at a time, and looked for among two hundred neighbours."""
    sizes = [(queues, "PAGE"), (queues, "FILTERED_PAGE"), (queues, "SHIFT"), (slices, "FILTERED_PAGE")]
    sizes += [(slices, "SHIFT"), (jobsets, "BATCH"), (jobsets, "FILTERED_BATCH"), (sweep, "_BATCH")]
    for module, name in sizes:
        monkeypatch.setattr(module, name, getattr(module, name) // FIFTH)
