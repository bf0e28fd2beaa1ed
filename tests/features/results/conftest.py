"""Results on a server, which is the one of the process-wide configuration."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

import teep
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, process_wide


@pytest.fixture
def here(server: Server) -> Iterator[Fleet]:
    """An empty server, and no worker yet; results are on it."""
    with process_wide(server) as fleet:
        yield fleet


def key_of(jid: str | None) -> str:
    return f"teep:result:{jid}"


def record_of(server: Server, jid: str | None) -> dict[str, Any] | None:
    """What is kept of a job."""
    raws = server.command("LRANGE", key_of(jid), 0, -1)
    assert len(raws) <= 1
    return msgspec.json.decode(raws[0], type=dict[str, Any]) if raws else None


def wait_for_record(server: Server, jid: str | None) -> dict[str, Any]:
    wait_until(lambda: record_of(server, jid) is not None, SOON, f"the record of {jid}")
    return record_of(server, jid) or {}


def wait_for_waiters(server: Server, count: int) -> None:
    """Wait until so many clients are blocked, none of them a worker's."""
    wait_until(
        lambda: server.command("INFO", "clients")["blocked_clients"] == count, SOON, f"{count} blocked clients"
    )


@contextmanager
def failure(of: teep.Result) -> Iterator[pytest.ExceptionInfo[teep.JobFailed]]:
    """Take what `get` raises for a job that has failed."""
    with pytest.raises(teep.JobFailed) as caught:
        of.get(timeout=SOON)
    yield caught
