"""How long a call of a limit takes, beside a bare EVALSHA on the same connection."""

import time
from collections.abc import Callable
from statistics import median

import teep
from teep.config import driver_for, overridden
from teep.features.limits import Limit
from teep.wire.keys import Key
from teep.wire.scripts.script import Script, ScriptCall

_BARE = Script("bare", "-- a bare script\n-- KEYS: key\n-- ARGV: word\n-- RETURNS: 1\nreturn 1")
# Calls in a row of one kind before it is the next one's turn: a machine's slow moment then strikes all.
_CALLS = 50


def kinds() -> dict[str, Limit]:
    """Return a limit of each kind, which is not reached."""
    return {
        "bucket": teep.limits.bucket("bench.bucket", 10**9, "day"),
        "leaky": teep.limits.leaky("bench.leaky", 10**9, "day"),
        "points": teep.limits.points("bench.points", 10**9, 10**6),
        "window": teep.limits.window("bench.window", 1_000, 0.1),
        "window above 1000": teep.limits.window("bench.sixtieths", 10**8, "minute"),
        "concurrent, with its end": teep.limits.concurrent("bench.concurrent", 1_000),
    }


def measure(config: teep.Config, rounds: int) -> dict[str, float]:
    """Return the microseconds of a call by its name, "bare" among them: the median of so many rounds."""
    driver = driver_for(config)

    def bare() -> None:
        driver.execute(ScriptCall(_BARE, [Key("bench.bare")], ["word"], read=int))

    calls: dict[str, Callable[[], None]] = {"bare": bare}
    calls |= {name: _entering(limit) for name, limit in kinds().items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    with overridden(config):
        for _ in range(rounds):
            for name, call in calls.items():
                taken[name].append(_seconds(call) / _CALLS * 1e6)
    return {name: median(each[len(each) // 10 :]) for name, each in taken.items()}


def _entering(limit: Limit) -> Callable[[], None]:
    def enter() -> None:
        with limit.within_limit():
            pass

    return enter


def _seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return time.perf_counter() - began
