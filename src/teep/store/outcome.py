"""What became of a job, and what may become of it instead where it is too large for its server."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from teep.errors import MalformedPayload
from teep.store import oversize
from teep.wire import keys, payload
from teep.wire.keys import Key

_LEFT_OUT = "(left out)"


class Outcome(NamedTuple):
    """What became of a job, where that takes more than an acknowledgement: the set it enters (None: it is over), at
    which score, as what.

    Where `target` is the key of its own queue, it was interrupted and goes on later, behind all that waits there.
    Where it is over or dead, its lock is given back, if it has one; an iterable job that is over has a `place`, the
    key that goes with it.
    `counted` is what it counts as, besides as processed ("done": a success); None for what no statistic shows: bytes
    that were no job at all, and a job that comes again without having run.
    """

    queue: str
    raw: bytes
    target: Key | None
    score: float
    payload: bytes
    counted: Literal["done", "failed", "expired"] | None = "failed"
    place: Key | None = None


def smaller(outcome: Outcome) -> Iterator[tuple[Outcome, str]]:
    """Yield what a large outcome may become instead, each smaller than the one before, and what is told of it."""
    if outcome.target is None:
        return
    why = oversize.TOO_LARGE
    if outcome.target == keys.queue(outcome.queue):
        yield outcome._replace(payload=outcome.raw), f"{why} with its new time; it is back in its queue as it was"
        return
    try:
        item = payload.parse(outcome.payload)
    except MalformedPayload:
        return
    lean = {name: value for name, value in item.items() if name != "error_backtrace"} | {"error_message": _LEFT_OUT}
    yield (
        outcome._replace(payload=payload.serialise(lean)),
        f"{why} with its error; message and backtrace are left out",
    )
    died = payload.read_stamp(item.get("retried_at", item.get("failed_at"))) or outcome.score
    dead = outcome._replace(target=keys.dead(), score=died, payload=outcome.raw)
    yield dead, f"{why} with anything added to it; it is in the dead set, as it was"


def size(outcome: Outcome) -> int:
    return len(outcome.raw) + len(outcome.payload)
