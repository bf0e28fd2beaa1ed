"""Fixtures of the testing kit's tests."""

import pytest


@pytest.fixture(autouse=True)
def _own_jobs(own_registry: None) -> None:
    """Each test defines its jobs anew."""
