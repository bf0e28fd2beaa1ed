"""Fixtures of the tests of encryption."""

from collections.abc import Iterator

import pytest

import teep
from teep.config import isolated, overridden
from teep.encryption import values
from teep.job import definition
from tests.support.servers import Server

KEYS = {1: b"\x01" * 32, 2: b"\x02" * 32}


@pytest.fixture(autouse=True)
def _nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has the process's keys, jobs and configuration for itself, and begins without any."""
    monkeypatch.setattr(values, "_keyring", None)
    monkeypatch.setattr(definition, "_registry", {})
    with isolated(), overridden(teep.Config(redis_url="redis://127.0.0.1:1")):
        yield


@pytest.fixture
def keys() -> dict[int, bytes]:
    """The keys of versions 1 and 2, of which 2 encrypts."""
    teep.encryption.enable(active_version=2, key=KEYS)
    return KEYS


@pytest.fixture
def config(server: Server) -> teep.Config:
    """The process-wide configuration, on an empty Valkey and an empty Redis."""
    return teep.configure(redis_url=server.url)
