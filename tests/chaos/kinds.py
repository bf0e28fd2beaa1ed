"""The mix of jobs: how long they take, what becomes of them, and how they are pushed."""

import random
from enum import StrEnum
from typing import Any, NamedTuple

QUEUES = ("critical", "default", "low")


class Fate(StrEnum):
    """What a job does at its end."""

    SUCCEEDS = "succeeds"
    FAILS_ONCE = "fails-once"
    DIES = "dies"


# Attempts that each of them takes, when nothing is lost.
ATTEMPTS = {Fate.SUCCEEDS: 1, Fate.FAILS_ONCE: 2, Fate.DIES: 1}
# How many of those fail.
FAILURES = {Fate.SUCCEEDS: 0, Fate.FAILS_ONCE: 1, Fate.DIES: 1}


class Lot(NamedTuple):
    """Jobs that are pushed together: they share class, queue, fate and due time, not their length.

    `delay` is in seconds from the push; 0 means at once. `seconds` is how long each job runs.
    """

    job: str
    queue: str
    fate: Fate
    delay: float
    seconds: tuple[float, ...]

    @classmethod
    def draw(cls, chance: random.Random, most: int) -> "Lot":
        """Draw up to `most` jobs: of ten six are no-ops, and one in fifty takes more than a second."""
        fate = chance.choices(tuple(Fate), (72, 16, 12))[0]
        delay = chance.uniform(0.2, 4.0) if chance.random() < 0.08 else 0.0
        seconds = tuple(_length(chance) for _ in range(chance.randint(1, most)))
        job = chance.choice(("chaos", "chaos_async"))
        return cls(job, chance.choice(QUEUES), fate, delay, seconds)

    def payload(self, first: int, now: float) -> dict[str, Any]:
        """Return what a bulk push takes; the jobs are numbered from `first` on."""
        args = [[first + place, seconds, self.fate.value] for place, seconds in enumerate(self.seconds)]
        item: dict[str, Any] = {"class": self.job, "queue": self.queue, "args": args}
        if self.fate is Fate.DIES:
            item["retry"] = 0
        if self.delay:
            item["at"] = now + self.delay
        return item


def _length(chance: random.Random) -> float:
    roll = chance.random()
    if roll < 0.6:
        return 0.0
    return round(chance.uniform(0.001, 0.05) if roll < 0.98 else chance.uniform(1.0, 2.0), 3)
