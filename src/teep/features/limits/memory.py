"""Limits in tests without Redis: the same rules, in this process, by its own clock, which a test may move."""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Protocol
from weakref import WeakKeyDictionary

from teep.client.delivery import test_mode
from teep.client.delivery.test_mode import Redirect
from teep.errors import OverLimit
from teep.store.limits import Declared
from teep.wire.payload import Item

_kits: "WeakKeyDictionary[Redirect, Kit]" = WeakKeyDictionary()


class _State:
    """What is used of one limiter: who holds it, the moments of its calls, or a time (microseconds)."""

    def __init__(self) -> None:
        self.holders: set[str] = set()
        self.calls: list[int] = []
        self.at = 0


class Kit:
    """The limiters of one test mode. Nothing waits here: a limit that is reached raises at once."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = defaultdict(_State)

    def until(self, limit: Declared, cost: int) -> int | None:
        """Return the time (epoch microseconds) from which so much is free, or None if it is now."""
        state, now = self._states[limit.name], _now()
        if limit.kind == "concurrent":
            return now + limit.lease if len(state.holders) + cost > limit.limit else None
        if limit.kind in ("leaky", "points"):
            at = max(state.at, now) + (cost - limit.limit) * _pace(limit)
            return at if at > now else None
        state.calls = [call for call in state.calls if call > _since(limit, now)]
        if len(state.calls) + cost <= limit.limit:
            return None
        first = state.calls[len(state.calls) + cost - limit.limit - 1]
        return (now // limit.interval + 1) * limit.interval if limit.kind == "bucket" else first + limit.interval

    def take(self, limit: Declared, cost: int, holder: str) -> None:
        """Take so much."""
        state, now = self._states[limit.name], _now()
        state.holders.add(holder)
        if limit.kind in ("leaky", "points"):
            state.at = max(state.at, now) + cost * _pace(limit)
        elif limit.kind != "concurrent":
            state.calls += [now] * cost

    def enter(self, limit: Declared, cost: int, holder: str, reschedule: int) -> None:
        """Take so much if it is free.

        Raises:
            OverLimit: it is not.
        """
        if (until := self.until(limit, cost)) is not None:
            raise OverLimit(max(0, until - _now()) / 1_000_000, limiter=limit.name, reschedule=reschedule)
        self.take(limit, cost, holder)

    def leave(self, limit: Declared, holder: str, more: int = 0) -> None:
        """Give a place back, and take so many points more."""
        state = self._states[limit.name]
        state.holders.discard(holder)
        if more:
            state.at = max(state.at, _now()) + more * _pace(limit)


class _OfJob(Protocol):
    """A limit of a job."""

    name: str
    declared: Declared
    reschedule: int

    def of_job(self, item: Item) -> "_OfJob | None": ...


class JobWaits(OverLimit):
    """A job that a limit of its own keeps from running now; it may run from `until` on (epoch seconds)."""

    until: float = 0.0


@contextmanager
def holding(limits: Iterable[_OfJob], item: Item) -> Iterator[None]:
    """Hold what a job asks for while it runs.

    Raises:
        JobWaits: one of its limits is reached.
    """
    kit = current()
    own = [found for limit in limits if (found := limit.of_job(item)) is not None] if kit is not None else []
    if kit is None or not own:
        yield
        return
    late = [(until, limit) for limit in own if (until := kit.until(limit.declared, 1)) is not None]
    if late:
        until, limit = max(late, key=itemgetter(0))
        waits = JobWaits(max(0, until - _now()) / 1_000_000, limiter=limit.name, reschedule=limit.reschedule)
        waits.until = until / 1_000_000
        raise waits
    holder = str(item.get("jid"))
    for limit in own:
        kit.take(limit.declared, 1, holder)
    try:
        yield
    finally:
        for limit in own:
            kit.leave(limit.declared, holder)


def current() -> Kit | None:
    """Return the limiters of the mode that this thread or task has entered; None: Redis has them."""
    mode = test_mode.current()
    if mode is None:
        return None
    kit = _kits.get(mode)
    if kit is None:
        kit = _kits[mode] = Kit()
    return kit


def _since(limit: Declared, now: int) -> int:
    """Return the time up to which calls count no more."""
    return now - now % limit.interval - 1 if limit.kind == "bucket" else now - limit.interval


def _pace(limit: Declared) -> int:
    return limit.interval if limit.kind == "points" else math.ceil(limit.interval / limit.limit)


def _now() -> int:
    return int(time.time() * 1_000_000)
