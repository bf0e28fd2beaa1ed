"""Fixtures of the client's tests and of the worker's: a feature has to do with both."""

from tests.client.conftest import side
from tests.worker.conftest import fleet, valkey_fleet

__all__ = ["fleet", "side", "valkey_fleet"]
