"""The recordings' steps 01 to 08, pushed by teep: key for key and byte for byte what real Sidekiq pushed."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import teep
from teep.config import isolated
from tests.client.noop import noop, with_options
from tests.support import golden
from tests.support.servers import Server

_UNITS = {"6.4.1": "seconds", "7.3.10": "seconds", "8.1.7": "milliseconds"}
# `expires_in` was a field like any other to the Sidekiq that was recorded; only Pro and teep know what it asks for.
_EXPIRY = re.compile(rb',"expiry":[\d.]+')
# What differs from push to push: its value is compared by its JSON type alone.
_OWN = re.compile(rb'"(jid|created_at|enqueued_at)":("[0-9a-f]{24}"|\d+\.\d+|\d+)')


def _perform_async() -> None:
    noop.perform_async(1, "two", {"three": [4.5, None, True]}, 'üñí☃ <b>&"/\u2028', 12345678901234567890, -0.0, 1e20)


def _perform_in() -> None:
    noop.perform_in(3600, "in")
    noop.perform_in(3600.5, "float")
    noop.perform_in(-1, "past: goes straight to the queue")


def _perform_at() -> None:
    noop.perform_at(datetime(2030, 1, 1, tzinfo=UTC), "at")
    noop.perform_at(1893456000.25, "at float")
    noop.perform_at(1893456000, "at int")


def _perform_bulk() -> None:
    noop.perform_bulk([[1], [2], [3], [4], [5]])


def _push_bulk_at() -> None:
    now = time.time()
    client = teep.Client()
    client.push_bulk({"class": "NoopJob", "args": [[1], [2]], "at": now + 3600})
    client.push_bulk({"class": "NoopJob", "args": [[3], [4]], "at": [now + 60, now + 120]})


def _set() -> None:
    noop.set(queue="critical", retry=3, tags=["a", "b"], backtrace=True).perform_async(1)
    noop.set(queue="low", retry=False).perform_async(2)
    noop.set(retry=0, queue="default", extra={"custom": {"x": 1}}, expires_in=60).perform_async(3)


def _set_in() -> None:
    noop.set(queue="critical", retry=3).perform_in(60, 1)
    noop.set(wait=60).perform_async(2)
    noop.set(wait_until=time.time() + 60).perform_async(3)


def _options() -> None:
    with_options.perform_async(1)
    with_options.perform_in(60, 2)


_STEPS: dict[str, Callable[[], None]] = {
    "01-perform_async": _perform_async,
    "02-perform_in": _perform_in,
    "03-perform_at": _perform_at,
    "04-perform_bulk": _perform_bulk,
    "05-push_bulk-at": _push_bulk_at,
    "06-set": _set,
    "07-set-in": _set_in,
    "08-sidekiq_options": _options,
}


@pytest.fixture(params=golden.VERSIONS)
def version(request: pytest.FixtureRequest, server: Server) -> Iterator[str]:
    """A Sidekiq version, teep writing times as it does."""
    with isolated():
        teep.configure(redis_url=server.url, timestamps=_UNITS[request.param])
        yield request.param


def _template(raw: bytes) -> bytes:
    """A payload whose own values are replaced by their kind; floats of this Ruby's older json gem."""

    def kind(match: re.Match[bytes]) -> bytes:
        value = match[2]
        shape = b"jid" if value.startswith(b'"') else b"seconds" if b"." in value else b"milliseconds"
        return b'"' + match[1] + b'":' + shape

    return _EXPIRY.sub(b"", _OWN.sub(kind, raw)).replace(b"1e+20", b"1.0e+20")


@pytest.mark.parametrize("step", _STEPS)
def test_a_step_pushes_what_sidekiq_pushed(server: Server, version: str, step: str) -> None:
    recording = golden.load(version, step)
    _STEPS[step]()
    assert {name.decode() for name in server.command("KEYS", "*")} == set(recording.types)
    for name, raws in recording.lists.items():
        assert list(map(_template, server.command("LRANGE", name, 0, -1))) == list(map(_template, raws))
    for name, members in recording.sets.items():
        assert server.command("SMEMBERS", name) == members
    for name, scored in recording.zsets.items():
        found: Any = server.client.zrange(name, 0, -1, withscores=True)
        assert sorted(_template(raw) for raw, _ in found) == sorted(map(_template, scored))
        shift = time.time() - recording.recorded_at if step != "03-perform_at" else 0.0
        recorded = {tuple(json.loads(raw)["args"]): score for raw, score in scored.items()}
        for raw, score in found:
            assert score == pytest.approx(recorded[tuple(json.loads(raw)["args"])] + shift, abs=30 if shift else 0)


def test_scheduled_payloads_have_no_time_of_their_own(server: Server, version: str) -> None:
    _perform_in()
    for raw in server.command("ZRANGE", "schedule", 0, -1):
        assert list(json.loads(raw)) == ["retry", "queue", "class", "args", "jid", "created_at"]
