"""What a batch is made of, drawn from a seed."""

import random
from typing import NamedTuple

from tests.chaos.kinds import QUEUES, Fate, Lot

ADDS, OPENS, DELETED = "chaos_adds", "chaos_opens", "chaos_deleted"
"""Jobs that add some to their own batch, that open a batch, and that are to be deleted."""
_LATER = 3_600.0
_MOST = 4
# Seconds for which a batch is kept once it is over: some are gone before the account, of the others it reads all.
_LINGERS = (2.0, 600.0)


class Plan(NamedTuple):
    """A batch: its jobs, its children, how it is sent, and what becomes of it from outside."""

    lots: list[Lot]
    children: list["Plan"]
    flush_every: int | None
    linger: float
    queue: str | None
    fates: list[Fate]
    """What its callbacks do, in the order of the events."""
    is_invalidated: bool
    beside: Lot | None
    """A job that opens a batch of its own, and is of none."""

    @classmethod
    def draw(cls, chance: random.Random, depth: int = 0) -> "Plan":
        """Draw a batch of up to a few dozen jobs; one of three has children."""
        lots = [lot for _ in range(chance.choice((0, 1, 1, 2))) for lot in Lot.draw(chance, _MOST)]
        lots += [_special(chance, ADDS) for _ in range(chance.choice((0, 0, 1, 2)))]
        lots += [_special(chance, OPENS) for _ in range(chance.choice((0, 0, 0, 1)))]
        lots += [_deleted(chance) for _ in range(chance.choice((0, 0, 1)))]
        chance.shuffle(lots)
        count = chance.choice((0, 0, 1, 2)) if depth < 2 else 0
        return cls(
            lots,
            [cls.draw(chance, depth + 1) for _ in range(count)],
            chance.choice((None, None, 1, 3)),
            chance.choice(_LINGERS),
            chance.choice((None, *QUEUES)),
            chance.choices((Fate.SUCCEEDS, Fate.FAILS_ONCE), (9, 1), k=4),
            chance.random() < 0.06,
            _special(chance, OPENS) if chance.random() < 0.4 else None,
        )


def _special(chance: random.Random, job: str) -> Lot:
    fate = chance.choices(tuple(Fate), (80, 12, 8))[0]
    return Lot(job, chance.choice(QUEUES), fate, 0.0, (round(chance.uniform(0.0, 0.2), 3),))


def _deleted(chance: random.Random) -> Lot:
    """Draw one that lies in its queue and may run first, or some that are scheduled for long after."""
    if chance.random() < 0.5:
        return Lot(DELETED, chance.choice(QUEUES), Fate.SUCCEEDS, 0.0, (0.0,))
    return Lot(DELETED, chance.choice(QUEUES), Fate.SUCCEEDS, _LATER, (0.0,) * chance.randint(1, 3))
