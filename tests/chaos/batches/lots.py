"""Jobs that only batches and workflows have."""

import random

from tests.chaos.kinds import QUEUES, Fate, Lot

ADDS, OPENS, DELETED = "chaos_adds", "chaos_opens", "chaos_deleted"
"""Jobs that add some to their own batch, that open a batch, and that are to be deleted."""
LINGERS = (2.0, 600.0)
"""Seconds for which a batch is kept once it is over: some are gone before the account, of the others it reads all."""
_LATER = 3_600.0


def special(chance: random.Random, job: str) -> Lot:
    """Draw a job that adds jobs, or opens a batch."""
    fate = chance.choices(tuple(Fate), (80, 12, 8))[0]
    return Lot(job, chance.choice(QUEUES), fate, 0.0, (round(chance.uniform(0.0, 0.2), 3),))


def deleted(chance: random.Random, most: int = 3) -> Lot:
    """Draw one job that lies in its queue and may run before it is deleted, or some that are due long after."""
    if chance.random() < 0.5:
        return Lot(DELETED, chance.choice(QUEUES), Fate.SUCCEEDS, 0.0, (0.0,))
    return Lot(DELETED, chance.choice(QUEUES), Fate.SUCCEEDS, _LATER, (0.0,) * chance.randint(1, most))
