"""The outcome of a job, and smaller ones for a job that is too large for its server."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from teep.errors import MalformedPayload
from teep.store.running import oversize
from teep.wire import keys, payload
from teep.wire.keys import Key
from teep.wire.scripts.step import Part

_LEFT_OUT = "(left out)"


# Why a job will not run (again): it succeeded, failed and is kept nowhere, was too late, is dead, was cancelled, or
# was deleted.
End = Literal["done", "discarded", "expired", "dead", "cancelled", "deleted"]

Counted = Literal["done", "failed", "expired"]


class Outcome(NamedTuple):
    """The outcome of a job that takes more than an acknowledgement: where it goes (None: nowhere), and its payload.

    `target` is a set, which it enters at a `score`, or without a score its own queue: it was interrupted and goes on
    later, behind all jobs that wait there. `end` is why it will not run again, None if it will.
    `counted` is the statistic that counts it, besides that of processed jobs ("done": no other). None: no statistic
    does, because the bytes were no job, or the job comes again without having run.
    `payload` is, of a job that is kept nowhere, b"" or what features are to see of it: its failure.
    `place` is the key of an iterable job's progress, which is removed if the job is over. `along` are the parts that
    go along with the end, None if they are still to be found from the bytes; `held` those of what this run held.
    """

    queue: str
    raw: bytes
    target: Key | None
    score: float | None
    payload: bytes
    counted: Counted | None = "failed"
    place: Key | None = None
    end: End | None = None
    along: tuple[Part, ...] | None = None
    held: tuple[Part, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether it goes behind its queue."""
        return self.target is not None and self.score is None


def over(
    queue: str, raw: bytes, end: End, place: Key | None = None, along: tuple[Part, ...] | None = None
) -> Outcome:
    """Return the outcome of a job that is over; nothing is kept of it."""
    return Outcome(queue, raw, None, None, b"", _COUNTED.get(end, "failed"), place, end, along)


def dead(queue: str, raw: bytes, payload: bytes, now: float, counted: Counted | None = "failed") -> Outcome:
    """Return the outcome of a job that goes to the dead set."""
    return Outcome(queue, raw, keys.dead(), now, payload, counted, end="dead")


def behind(queue: str, raw: bytes, payload: bytes) -> Outcome:
    """Return the outcome of a job that was interrupted and goes on later, behind all jobs of its queue."""
    return Outcome(queue, raw, keys.queue(queue), None, payload, counted="done")


_COUNTED: Mapping[End, Counted] = {"done": "done", "expired": "expired"}


def smaller(outcome: Outcome) -> Iterator[tuple[Outcome, str]]:
    """Yield outcomes to take instead of a large one, each smaller than the one before, and words to report it."""
    if outcome.target is None:
        return
    why = oversize.TOO_LARGE
    if outcome.goes_on:
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
    as_it_was = outcome._replace(target=keys.dead(), score=died, payload=outcome.raw, end="dead")
    yield as_it_was, f"{why} with anything added to it; it is in the dead set, as it was"


def size(outcome: Outcome) -> int:
    return len(outcome.raw) + len(outcome.payload) + along_size(outcome.along or ())


def along_size(along: tuple[Part, ...]) -> int:
    """Return how many bytes the words of parts have."""
    return sum(len(word) for part in along for word in part.words if isinstance(word, bytes))
