"""A bulk push writes what its jobs share only once; the bytes must be those of a job written alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from teep.client.payloads.bulk import Bulk
from teep.config import Config

ARGS: list[Any] = [
    [],
    [1, "tenant-42", None, True],
    ["ünïcode ☃ 𝄞", '"quoted"', "back\\slash", "\x00\n", "%b %s"],
    [1e20, 1e-7, -0.0, 1.5, 10**30],
    [{"nested": [{"deep": [1e16]}]}, []],
    ("a tuple", 2),
]
FIELDS: list[dict[str, Any]] = [
    {},
    {"queue": "ünïcode", "retry": 3, "tags": ["%b"], "custom": 1e20},
    {"created_at": 5.0, "enqueued_at": 6.0},
    {"expires_in": 60},
    {"tail": {"jid": "", "args": []}},
]


@pytest.fixture(autouse=True)
def _no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.client.payloads.bulk.time.time", lambda: 1_800_000_000.25)
    monkeypatch.setattr("teep.client.payloads.bulk.os.urandom", lambda count: bytes(range(count)))


def prepared(config: Config, fields: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for jids, push in Bulk(config, {"class": "Noop", "args": ARGS} | fields).slices():
        assert push is not None
        yield jids, push.now, list(push.later), push.extras, push.transactional


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("timestamps", ["seconds", "milliseconds"])
def test_the_bytes_are_those_of_a_job_written_alone(fields: dict[str, Any], timestamps: Any) -> None:
    plain = Config(timestamps=timestamps, job_defaults={"backtrace": 5})
    watched = Config(timestamps=timestamps, job_defaults={"backtrace": 5})
    # What a middleware has seen is written one by one.
    watched.client_middleware.add(lambda _job, call_next: call_next())
    assert list(prepared(plain, fields)) == list(prepared(watched, fields))
