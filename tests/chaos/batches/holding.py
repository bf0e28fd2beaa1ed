"""Blocks that send their jobs in several steps hold the events back until they close, or their lease ends."""

from collections.abc import Callable, Iterator

from tests.chaos.batches.made import Filling
from tests.chaos.worker import OPENING


def unheld(filling: Filling, event: float, precedes: Callable[[float, float], bool]) -> Iterator[str]:
    """Yield an event that did not wait for the block that made the batch, or for the end of its lease."""
    if not filling.is_first or filling.failed:
        return
    if filling.body is not None:
        if filling.body - filling.begin < OPENING and precedes(event, filling.body):
            yield "had an event before its block was closed"
    elif (held := _last_held(filling)) is not None and precedes(event, held + OPENING):
        yield "had an event before the lease of its opener had ended"


def _last_held(filling: Filling) -> float | None:
    """Return a moment after which a block that broke off has sent something for the last time, if that is known.

    The push of each job that finds `every` others sends these first; that it had is known by the next one.
    """
    sent = [at for place, at in enumerate(filling.pushes[:-1]) if place and place % filling.every == 0]
    return sent[-1] if filling.every and sent else None
