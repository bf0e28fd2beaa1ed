"""What a batch is made of, drawn from a seed."""

import random
from typing import NamedTuple

from tests.chaos.batches.flows import Flow
from tests.chaos.kinds import ADDS, LINGERS, OPENS, QUEUES, Fate, Lot, deleted, special

_MOST = 4


class Plan(NamedTuple):
    """A batch: its jobs, its children, how it is sent, and what becomes of it from outside."""

    lots: list[Lot]
    children: list["Plan"]
    flows: list[Flow]
    """Workflows that are children of it."""
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
        lots += [special(chance, ADDS) for _ in range(chance.choice((0, 0, 1, 2)))]
        lots += [special(chance, OPENS) for _ in range(chance.choice((0, 0, 0, 1)))]
        lots += [deleted(chance) for _ in range(chance.choice((0, 0, 1)))]
        chance.shuffle(lots)
        count = chance.choice((0, 0, 1, 2)) if depth < 2 else 0
        return cls(
            lots,
            [cls.draw(chance, depth + 1) for _ in range(count)],
            [Flow.draw(chance) for _ in range(chance.choice((0, 0, 0, 1)))],
            chance.choice((None, None, 1, 3)),
            chance.choice(LINGERS),
            chance.choice((None, *QUEUES)),
            chance.choices((Fate.SUCCEEDS, Fate.FAILS_ONCE), (9, 1), k=4),
            chance.random() < 0.06,
            special(chance, OPENS) if chance.random() < 0.4 else None,
        )
