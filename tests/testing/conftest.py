"""Fixtures of the testing kit's tests."""

from collections.abc import Iterator

import pytest

import teep
from teep.config import overridden
from teep.job import definition


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test defines its jobs anew."""
    monkeypatch.setattr(definition, "_registry", {})


@pytest.fixture
def offline() -> Iterator[teep.Config]:
    """The process-wide configuration, with a Redis that does not exist: whatever asks it fails."""
    with overridden(teep.Config(redis_url="redis://127.0.0.1:1")) as config:
        yield config
