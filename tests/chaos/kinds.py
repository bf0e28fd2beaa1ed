"""The mix of jobs: how long they take, what becomes of them, and how they are pushed."""

import random
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

QUEUES = ("critical", "default", "low")
ADDS, OPENS, DELETED = "chaos_adds", "chaos_opens", "chaos_deleted"
"""Jobs that add some to their own batch, that open a batch, and that are to be deleted."""
LINGERS = (2.0, 600.0)
"""Seconds for which a batch is kept once it is over: some are gone before the account, of the others it reads all."""
_LATER = 3_600.0


class Fate(StrEnum):
    """What a job does at its end."""

    SUCCEEDS = "succeeds"
    FAILS_ONCE = "fails-once"
    DIES = "dies"


# Attempts that each of them takes, when nothing is lost.
ATTEMPTS = {Fate.SUCCEEDS: 1, Fate.FAILS_ONCE: 2, Fate.DIES: 1}
# How many of those fail.
FAILURES = {Fate.SUCCEEDS: 0, Fate.FAILS_ONCE: 1, Fate.DIES: 1}

_PLAIN = ("chaos", "chaos_async")
_FORKING = "chaos_fork"
LIMITED = "chaos_limited"
# How many of these may run at a time.
LIMIT = 2
# Seconds that a place at the limit is kept without a heartbeat; 30 in life.
LEASE = 4.0
ITERABLE = ("chaos_items", "chaos_items_async")
# Longer than any job here may take: no lock ends by itself.
_UNIQUE_FOR = 3_600


def number_of(payload: Mapping[str, Any]) -> int:
    """Return a job's number: a field of its own where its arguments must be those of others, else the first one."""
    number: int = payload["number"] if "number" in payload else payload["args"][0]
    return number


class Slot(NamedTuple):
    """Unique jobs that are alike: same class, queue and arguments, so at most one has the lock."""

    number: int
    job: str
    fate: Fate
    until: str

    @property
    def queue(self) -> str:
        return QUEUES[self.number % len(QUEUES)]

    @property
    def items(self) -> int:
        return 12 if self.job in ITERABLE else 0

    @property
    def seconds(self) -> float:
        """How long one runs, or one of its items."""
        return 0.02 if self.items else 0.05 * (self.number % 4)


SLOTS = (
    *(Slot(number, _PLAIN[number % 2], Fate.SUCCEEDS, "success") for number in range(4)),
    *(Slot(number, _PLAIN[number % 2], Fate.SUCCEEDS, "start") for number in range(4, 7)),
    *(Slot(number, ITERABLE[number % 2], Fate.SUCCEEDS, "success") for number in range(7, 9)),
    Slot(9, "chaos", Fate.FAILS_ONCE, "success"),
    Slot(10, "chaos_async", Fate.DIES, "success"),
    Slot(11, "chaos_items", Fate.FAILS_ONCE, "success"),
)


class Lot(NamedTuple):
    """Jobs that are pushed together: they share class, queue, fate, options and due time, not their length.

    `delay` is in seconds from the push; 0 means at once. `seconds` is how long each job runs, or of an iterable one,
    each of its `items`. Jobs of a `slot` are unique.
    """

    job: str
    queue: str
    fate: Fate
    delay: float
    seconds: tuple[float, ...]
    items: int = 0
    expires_in: float | None = None
    options: Mapping[str, Any] = {}
    slot: Slot | None = None

    @classmethod
    def draw(cls, chance: random.Random, most: int) -> list["Lot"]:
        """Draw up to `most` jobs of one kind, and some unique ones."""
        slots = chance.choices(SLOTS, k=chance.choice((0, 0, 1, 3)))
        return [cls._of_any(chance, most), *(cls._of_slot(slot, _delay(chance)) for slot in slots)]

    @classmethod
    def _of_any(cls, chance: random.Random, most: int) -> "Lot":
        """Draw plain jobs, iterable ones, some under a limit, or two that fork: of ten plain ones six are no-ops."""
        fate = chance.choices(tuple(Fate), (72, 16, 12))[0]
        expires_in = round(chance.choice((0.1, 1.0, 10.0)) * chance.uniform(0.5, 1.5), 2)
        lot = cls(
            "", chance.choice(QUEUES), fate, _delay(chance), (), 0, expires_in if chance.random() < 0.15 else None
        )
        roll = chance.random()
        if roll < 0.25:
            return lot._iterable(chance)
        if roll < 0.28:
            return lot._replace(job=_FORKING, seconds=(0.0, 0.0))
        if roll < 0.4:
            return lot._replace(job=LIMITED, seconds=tuple(chance.uniform(0.0, 0.05) for _ in range(4)))
        seconds = tuple(_length(chance) for _ in range(chance.randint(1, most)))
        return lot._replace(job=chance.choice(_PLAIN), seconds=seconds)

    @classmethod
    def _of_slot(cls, slot: Slot, delay: float) -> "Lot":
        options = {"unique_for": _UNIQUE_FOR, "unique_until": slot.until}
        return cls(slot.job, slot.queue, slot.fate, delay, (slot.seconds,), slot.items, None, options, slot)

    def _iterable(self, chance: random.Random) -> "Lot":
        """Make it iterable jobs, half of which make way for others."""
        seconds = tuple(chance.choice((0.0, 0.01, 0.03)) for _ in range(chance.randint(1, 4)))
        options = {"max_iteration_runtime": chance.choice((0.05, 0.3))} if chance.random() < 0.5 else {}
        return self._replace(
            job=chance.choice(ITERABLE), seconds=seconds, items=chance.randint(1, 40), options=options
        )

    def payload(self, first: int, now: float) -> dict[str, Any]:
        """Return what a push takes, or of jobs without a slot, a bulk push; they are numbered from `first` on."""
        args = [[first + place, seconds, self.fate.value] for place, seconds in enumerate(self.seconds)]
        if self.items:
            args = [[*each, self.items] for each in args]
        item: dict[str, Any] = {"class": self.job, "queue": self.queue, "args": args, **self.options}
        if self.slot is not None:
            item |= {"args": [self.slot.number, *args[0][1:]], "number": first}
        if self.fate is Fate.DIES:
            item["retry"] = 0
        if self.expires_in is not None:
            item["expires_in"] = self.expires_in
        if self.delay:
            item["at"] = now + self.delay
        return item


def _delay(chance: random.Random) -> float:
    return chance.uniform(0.2, 4.0) if chance.random() < 0.08 else 0.0


def _length(chance: random.Random) -> float:
    roll = chance.random()
    if roll < 0.6:
        return 0.0
    return round(chance.uniform(0.001, 0.05) if roll < 0.98 else chance.uniform(1.0, 2.0), 3)


def special(chance: random.Random, job: str) -> Lot:
    """Draw a job that adds jobs, or opens a batch."""
    fate = chance.choices(tuple(Fate), (80, 12, 8))[0]
    return Lot(job, chance.choice(QUEUES), fate, 0.0, (round(chance.uniform(0.0, 0.2), 3),))


def deleted(chance: random.Random, most: int = 3) -> Lot:
    """Draw one job that lies in its queue and may run before it is deleted, or some that are due long after."""
    if chance.random() < 0.5:
        return Lot(DELETED, chance.choice(QUEUES), Fate.SUCCEEDS, 0.0, (0.0,))
    return Lot(DELETED, chance.choice(QUEUES), Fate.SUCCEEDS, _LATER, (0.0,) * chance.randint(1, most))
