"""What teep writes, Ruby writes again byte for byte: else its `reschedule` would leave a second job behind.

Sidekiq's `SortedEntry#reschedule` addresses the member by its own JSON of the parsed payload.
"""

import random
from typing import Any

import pytest

import teep
from teep.wire import payload
from teep.wire.fields import backtrace
from tests.interop.ruby_side import Ruby
from tests.support.servers import Server

COUNT = 300
_TEXTS = [
    "",
    "plain",
    "é ☃",
    "\U0001f680\u200d\U0001f9d1",
    '"\\/\b\f\n\r\t',
    "\x00\x01\x1f\x7f\x80\x9f",
    "</b>\u2028\u2029&'",
]
_TEXTS += ["\ufeff\uffff\ufffd", "1e5", "null", "\\u0041", "a" * 300]
_FLOATS = [0.0, -0.0, 0.1, 1.0, 1e-4, 1e14, 123456789012345.6, 999999999999999.9, 1 / 3, -2.5, 1795487351.5680425]
_INTEGERS = [0, -1, 2**31, 2**53 + 1, 2**63, -(2**64), 10**30]


def value(rng: random.Random, depth: int = 3) -> Any:
    """Any plain JSON value, but for floats that need an exponent."""
    kinds = [
        "text",
        "float",
        "integer",
        "constant",
        "random float",
        "characters",
        *(["list", "dict"] if depth else []),
    ]
    match rng.choice(kinds):
        case "text":
            return rng.choice(_TEXTS)
        case "float":
            return rng.choice(_FLOATS)
        case "random float":
            return rng.uniform(-1, 1) * 10 ** rng.randint(-2, 14) or 0.0
        case "integer":
            return rng.choice([*_INTEGERS, rng.randint(-(10**20), 10**20)])
        case "constant":
            return rng.choice([None, True, False])
        case "characters":
            ranges = [(0, 0x20), (0, 0xD800), (0xE000, 0x110000)]
            return "".join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(4))
        case "list":
            return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
        case _:
            return {rng.choice(_TEXTS): value(rng, depth - 1) for _ in range(rng.randrange(4))}


def options(rng: random.Random) -> dict[str, Any]:
    """Some of every option that a payload can carry."""
    every = {
        "queue": rng.choice(["low", "é"]),
        "retry": rng.choice([True, False, 0, 7]),
        "tags": ["é", "b"],
        "backtrace": rng.choice([True, False, 5]),
        "retry_queue": "later",
        "retry_for": rng.choice([60, 90.5]),
        "dead": False,
        "log_level": "debug",
        "kwargs": {"locale": value(rng)},
        "own": value(rng),
    }
    return {name: option for name, option in every.items() if rng.random() < 0.5}


def jobs(rng: random.Random) -> list[dict[str, Any]]:
    return [
        {"class": "python.Echo", "args": [value(rng) for _ in range(rng.randrange(5))], "at": 2e9} | options(rng)
        for _ in range(COUNT)
    ]


def assert_stable(ruby: Ruby, server: Server) -> None:
    """Have Ruby reschedule every job of the retry set, and see that each is there once, at its new time."""
    times = {entry.value: 1.9e9 + number for number, entry in enumerate(ruby.entries("retry"))}
    ruby.reschedule_each("retry", 1.9e9)
    found: Any = server.client.zrange("retry", 0, -1, withscores=True)
    after = dict(found)
    for raw in set(after) - set(times):
        pytest.fail(f"Ruby wrote {raw!r}")
    assert after == times


@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
@pytest.mark.parametrize("seed", range(2))
def test_what_was_pushed(ruby: Ruby, redis_server: Server, seed: int, unit: payload.TimeUnit) -> None:
    client = teep.Client(teep.Config(redis_url=redis_server.url, timestamps=unit))
    for job in jobs(random.Random(seed)):
        # Of the present's own seconds Ruby's newest json writes one in some hundreds with a digit more than it takes.
        client.push({**job, "created_at": 1795487351.5680425 if unit == "seconds" else 1795487351568})
    redis_server.command("RENAME", "schedule", "retry")
    assert redis_server.command("ZCARD", "retry") == COUNT
    assert_stable(ruby, redis_server)


@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
def test_what_failed(ruby: Ruby, redis_server: Server, unit: payload.TimeUnit) -> None:
    """After one, two and three failures, with messages and backtraces of all kinds."""
    rng = random.Random(3)
    for number, job in enumerate(jobs(rng)):
        now = 1_795_487_351.5680425 + rng.random() * 1e6
        item = payload.normalise({**job, "queue": "default"}, {}, f"{number:024x}", now, unit)
        item = payload.queued(item, now, unit)
        for _ in range(rng.randint(1, 3)):
            packed = backtrace.pack([rng.choice(_TEXTS) for _ in range(20)]) if rng.random() < 0.7 else None
            item = payload.failed(
                item, "default", "app.errors.É", rng.choice(_TEXTS) + "\ud800", packed, now + 1, unit
            )
        redis_server.client.zadd("retry", {payload.serialise(item): 2e9})
    assert redis_server.command("ZCARD", "retry") == COUNT
    assert_stable(ruby, redis_server)


@pytest.mark.sidekiq("6.4", "7.3")
def test_floats_with_exponents_as_json_gems_before_2025_write_them(ruby: Ruby, redis_server: Server) -> None:
    """Newer json gems write `1e+20` and `0.00001`; Sidekiq 8 with one of those is known to leave a second job."""
    rng = random.Random(4)
    client = teep.Client(teep.Config(redis_url=redis_server.url))
    floats = [1e20, 1e-5, 1.5e300, -2.25e-7, 1e16, 9.999e15, 1e15, 5e-324, 1.7976931348623157e308]
    floats += [rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300) for _ in range(200)]
    client.push_bulk({"class": "python.Echo", "args": [[number] for number in floats], "at": 2e9})
    redis_server.command("RENAME", "schedule", "retry")
    assert_stable(ruby, redis_server)
