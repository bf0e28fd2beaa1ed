"""Gives the jobs of a block indices in their batch, so that it need not know their jids."""

import threading
from collections.abc import Sequence

from teep.store import batches, compact
from teep.store.compact import Row
from teep.store.jobs.pushes import Extra, Push
from teep.wire.scripts.step import Parts

# A job with parts of its own: its queue (None: it is for later), when, its bytes, its jid, and these parts.
_Lone = tuple[str | None, float, bytes, str, Parts]


_AHEAD = 16  # times as many indices are reserved as a step takes: they cost nothing before one behind them is used


class Indices:
    """The indices that are reserved for a block in its batch. Safe for several threads."""

    def __init__(self, bid: str) -> None:
        self._bid = bid
        self._free = range(0)
        self._lock = threading.Lock()

    def declare(self, count: int) -> int:
        """Begin a batch, whose first `count` indices are taken now; returns how many it reserves."""
        self._free = range(count, count * _AHEAD)
        return count * _AHEAD

    async def take(self, count: int) -> int | None:
        """Return the first of so many, or None if there is no such batch, as before a commit. Often no round trip."""
        with self._lock:
            if len(self._free) >= count:
                first, self._free = self._free.start, self._free[count:]
                return first
        reserved = await compact.reserve(self._bid, count * _AHEAD)
        if reserved is not None:
            with self._lock:
                self._free = range(reserved + count, reserved + count * _AHEAD)
        return reserved


class Indexing:
    """The jobs of a block, of which those that are its batch's get indices.

    1. Those that have no parts of their own go in rows, one a queue and one for the scheduled set.
    2. A job with parts, such as a unique one, keeps a step of its own, and takes eight indices.
    3. What a client middleware has made a job of another batch stays as it is, and so do the pushes of child blocks.
    """

    def __init__(self, bid: str, pushes: Sequence[Push]) -> None:
        self._bid = bid
        self._queued: dict[str, list[bytes]] = {}
        self._later: list[tuple[float, bytes]] = []
        self._lone: list[_Lone] = []
        self._now: dict[str, list[bytes]] = {}
        self._after: list[tuple[float, bytes]] = []
        self._extras: dict[bytes, Extra] = {}
        for push in pushes:
            self._sort(push)

    @property
    def room(self) -> int:
        """How many indices they take."""
        rows = [*self._queued.values(), *([self._later] if self._later else ())]
        return sum(compact.room(len(row)) for row in rows) + sum(compact.room(1) for _ in self._lone)

    def _sort(self, push: Push) -> None:
        if push.jids and not push.batches:  # all are alike, and of this batch
            for queue, raws in push.now.items():
                self._queued.setdefault(queue, []).extend(raws)
            return
        for queue, raws in push.now.items():
            for raw in raws:
                self._sort_one(push, queue, 0.0, raw)
        for at, raw in push.later:
            self._sort_one(push, None, at, raw)

    def _sort_one(self, push: Push, queue: str | None, at: float, raw: bytes) -> None:
        extra = push.extras.get(raw)
        parts = batches.unjoined(extra.parts) if extra is not None and not push.batches else None
        if extra is None or parts is None:
            self._put(queue, at, raw, extra)
        elif parts:
            self._lone.append((queue, at, raw, extra.jid, parts))
        elif queue is None:
            self._later.append((at, raw))
        else:
            self._queued.setdefault(queue, []).append(raw)

    def _put(self, queue: str | None, at: float, raw: bytes, extra: Extra | None) -> None:
        if queue is None:
            self._after.append((at, raw))
        else:
            self._now.setdefault(queue, []).append(raw)
        if extra is not None:
            self._extras[raw] = extra

    def push(self, first: int) -> Push:
        """Return the push of all of them, with indices from `first` on."""
        rows = list[Row]()
        for queue, raws in self._queued.items():
            rows.append(Row.of(self._bid, first, raws, queue))
            first += compact.room(len(raws))
        if self._later:
            later = [raw for _, raw in self._later]
            rows.append(Row.of(self._bid, first, later, times=[at for at, _ in self._later]))
            first += compact.room(len(later))
        for place, at, raw, jid, parts in self._lone:
            (indexed,) = compact.written([raw], first)
            # The index comes first: a lock is taken last, as nothing may follow that could be refused.
            self._put(place, at, indexed, Extra(jid, compact.joining(self._bid, first).joined(parts)))
            first += compact.room(1)
        return Push(self._now, self._after, extras=self._extras, rows=rows)
