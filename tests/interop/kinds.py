"""The job classes of the comparison, the counterparts of `ruby/kinds.rb`: equal names, equal options, equal failures.

What a run does stands in its first argument: `n` the number of the case; `do` "pass", or else it fails with `error`
and `message`, so many `failures` at most; `in` and `end` are what `retry_in` and `retries_exhausted` answer.
"""

import os
from functools import cache
from typing import Any

import redis

import teep
from teep.wire import json

ERRORS: dict[str, type[BaseException]] = {
    error.__name__: error
    for error in (RuntimeError, IndexError, ZeroDivisionError, EOFError, NotImplementedError, SystemExit)
}


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(os.environ["TEEP_REDIS_URL"])


def note(key: str, value: bytes | str) -> None:
    client().rpush(f"kinds:{key}", value)


def answer(kind: Any) -> Any:
    """What `retry_in` and the end of the retries answer."""
    if kind == "raise":
        raise RuntimeError("no answer")
    return kind


def perform(*args: Any) -> None:
    order = args[0] if args and isinstance(args[0], dict) else {}
    runs = client().hincrby("kinds:runs", str(order.get("n", "")), 1)
    if order.get("do") != "pass" and runs <= order.get("failures", 100):
        raise ERRORS.get(str(order.get("error")), RuntimeError)(order.get("message", "no order"))


def delay(_count: int, _error: BaseException, payload: dict[str, Any]) -> Any:
    return answer(payload["args"][0].get("in"))


def exhausted(payload: dict[str, Any], _error: BaseException) -> Any:
    note("exhausted", json.dumps(payload))
    return answer(payload["args"][0].get("end"))


def told(payload: dict[str, Any], _error: BaseException) -> None:
    if '"n"' in str(json.dumps(payload.get("args"))):
        note("deaths", json.dumps(payload))


@teep.job(name="KindLast")
def last(number: int) -> None:
    """Say that all others have come before."""
    note("rounds", str(number))


OPTIONS: dict[str, dict[str, Any]] = {
    "KindPlain": {},
    "KindNever": {"retry": False},
    "KindZero": {"retry": 0},
    "KindTwo": {"retry": 2},
    "KindOptions": {"retry": 3, "queue": "low", "tags": ["x"], "dead": False, "retry_queue": "never"},
    "KindDelays": {"retry_in": delay},
    "KindEnds": {"retry": 1, "retries_exhausted": exhausted},
    "KindBoth": {"retry": 1, "retry_in": delay, "retries_exhausted": exhausted},
}
for name, options in OPTIONS.items():
    teep.job(name=name, **options)(perform)
