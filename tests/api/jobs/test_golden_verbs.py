"""The steps 40 to 45 of the recordings, done again by teep: what it leaves is what real Sidekiq left."""

import json
from typing import Any, Literal

import pytest

from tests.api.sides import Side
from tests.support import golden
from tests.support.golden import Golden

# What the recording script put into the retry set before steps 42 and 44; the recordings hold what became of it.
_RETRY_SCORE = 1_900_000_000.0


@pytest.fixture(params=golden.VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _retries(recording: Golden, key: str) -> dict[bytes, float]:
    """The three retries before the step, made of what one of them looked like afterwards."""
    (pattern, *_) = recording.zsets[key]
    item = json.loads(pattern)
    return {
        json.dumps(
            item | {"args": [number], "jid": f"{number:024x}", "retry_count": number}, separators=(",", ":")
        ).encode(): _RETRY_SCORE + number
        for number in range(3)
    }


def _shape(payloads: list[bytes]) -> list[dict[str, Any]]:
    """Payloads field by field; of the one value that tells when the step was done, its type."""
    return [
        {name: type(value) if name == "enqueued_at" else value for name, value in json.loads(raw).items()}
        for raw in payloads
    ]


def _units(side: Side, version: str) -> None:
    """Write times as that version does."""
    unit: Literal["seconds", "milliseconds"] = "milliseconds" if version.startswith("8") else "seconds"
    side.config = type(side.config)(redis_url=side.server.url, timestamps=unit)


def _queue(side: Side) -> list[bytes]:
    return list(side.server.command("LRANGE", "queue:default", 0, -1))


def test_41_reschedule_and_add_to_queue(side: Side, version: str) -> None:
    """The seed of step 40; by the recording's monitor Sidekiq moved the first job by a time and the second now."""
    _units(side, version)
    seed = golden.load(version, "40-api-seed")
    golden.restore(side.server, seed)
    first, second = seed.zsets["schedule"]
    later, sooner = side.listed(side.ScheduledSet())
    assert [later.raw, sooner.raw] == [second, first]
    assert (later.score, sooner.score) == (seed.zsets["schedule"][second], seed.zsets["schedule"][first])
    assert side.run(sooner.reschedule(1_924_992_000.0))
    assert side.run(later.add_to_queue())
    assert side.scored("schedule") == {first: 1_924_992_000.0}
    (raw,) = _queue(side)
    enqueued = json.loads(raw)
    assert list(enqueued) == [*json.loads(second), "enqueued_at"]
    assert type(enqueued["enqueued_at"]) is (int if version.startswith("8") else float)
    assert {name: value for name, value in enqueued.items() if name != "enqueued_at"} == json.loads(second)


def test_42_retry_and_kill_one(side: Side, version: str) -> None:
    _units(side, version)
    after = golden.load(version, "42-api-retry-kill-one")
    side.server.client.zadd("retry", _retries(after, "retry"))
    entries = {entry.args[0]: entry for entry in side.listed(side.RetrySet())}
    assert side.run(entries[1].kill())
    assert side.run(entries[0].retry())
    assert side.scored("retry") == after.zsets["retry"]
    assert list(side.scored("dead")) == list(after.zsets["dead"])
    assert side.server.command("SMEMBERS", "queues") == after.sets["queues"]
    assert _shape(_queue(side)) == _shape(after.lists["queue:default"])


def test_44_kill_all(side: Side, version: str) -> None:
    _units(side, version)
    after = golden.load(version, "44-api-kill_all")
    side.server.client.zadd("retry", _retries(after, "dead"))
    assert side.run(side.RetrySet().kill_all()) == 3
    assert set(side.scored("dead")) == set(after.zsets["dead"])
    assert side.server.command("KEYS", "*") == [b"dead"]


def test_45_clear_and_reset(side: Side, version: str) -> None:
    golden.restore(side.server, golden.load(version, "42-api-retry-kill-one"))
    for counter in ("stat:processed", "stat:failed"):
        side.server.command("SET", counter, 7)
    side.run(side.Queue().clear())
    for name in ("RetrySet", "ScheduledSet", "DeadSet"):
        side.run(getattr(side, name)().clear())
    side.run(side.stats().reset())
    after = golden.load(version, "45-api-clear")
    assert set(side.server.command("KEYS", "*")) == {name.encode() for name in after.types}
    assert {name: side.server.command("GET", name) for name in after.strings} == after.strings
