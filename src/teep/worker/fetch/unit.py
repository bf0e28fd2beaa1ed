"""A job that this process has reserved, decoded and matched with its code."""

from typing import Any, NamedTuple

from teep.errors import JobCancelled, JobTimeout, MalformedPayload, UnknownJob
from teep.job.context import JobContext
from teep.job.definition import Definition, find
from teep.store import features
from teep.store.running.iteration import IterationState
from teep.wire import payload
from teep.wire.payload import Item
from teep.wire.scripts.step import Part

features.special.update(("rescues", "log_level"))  # what the worker itself looks for
_special = features.special


class Asks(NamedTuple):
    """What a special job asks for by its stored payload, which jobs and middleware may change in hand.

    `before`: a feature wants to see it before it runs. `along`: what goes along when it succeeds. `suspect`: it was
    rescued before, from a process that may have died of it. `log_level`: it has one of its own.
    """

    before: bool
    along: tuple[Part, ...]
    suspect: bool
    log_level: bool


class UnitOfWork:
    """A reserved job: its queue, its exact bytes, its payload (None: malformed), and its code (None: unknown).

    `problem` says what is wrong with it, where something is. `is_special` tells of one that asks for something before
    it runs or when it ends: it was rescued before, has a log level of its own, or asks a feature for something.
    `asks` says for what; others have none, and are looked at no further.
    `halt` is what it was told to end with (None: nothing). `comes_again` is what an iterable job says at the end of
    its run: whether it goes on later; None for others. Of those that were reserved together `place` says where they
    are to begin.
    """

    __slots__ = (
        *("asks", "comes_again", "definition", "halt", "is_special", "item", "problem", "queue", "raw"),
        "_place",  # unset in all but iterable jobs, so that others do not pay for it
    )

    def __init__(self, queue: str, raw: bytes) -> None:
        self.queue = queue
        self.raw = raw
        self.item: Item | None = None
        self.is_special = False
        self.definition: Definition | None = None
        self.problem: MalformedPayload | UnknownJob | None = None
        self.halt: type[BaseException] | None = None
        self.comes_again: bool | None = None
        try:
            self.item = item = payload.parse(raw)
            if not _special.isdisjoint(item):
                self.is_special = True
                along = features.along_of(item, "done")
                self.asks = Asks(features.wants_before(item), along, "rescues" in item, "log_level" in item)
            self.definition = find(item["class"])
        except (MalformedPayload, UnknownJob) as error:
            self.problem = error

    def context(self) -> JobContext:
        """Return what the job's own code sees of it."""
        return JobContext(self.item or {}, self)

    def stored(self) -> Item:
        """Return the payload as it lies in Redis, which `item` may not be any more: jobs and middleware change it.

        Raises:
            MalformedPayload: it has none.
        """
        return payload.parse(self.raw)

    def named(self) -> dict[str, Any]:
        """Return what a log line about it has as `extra`: its class and jid, never its arguments."""
        return named(self.item)

    @property
    def jid(self) -> str | None:
        jid = None if self.item is None else self.item.get("jid")
        return jid if isinstance(jid, str) else None  # another producer may have put anything there

    @property
    def is_suspect(self) -> bool:
        """Whether it was rescued before, from a process that may have died of it."""
        return self.is_special and self.asks.suspect

    @property
    def may_have_begun(self) -> bool:
        """Whether it may go on from where it was: it is iterable, or its code is not known here."""
        return self.definition is None or self.definition.is_iterable

    @property
    def is_cancelled(self) -> bool:
        return self.halt is JobCancelled

    @property
    def is_iterable(self) -> bool:
        return self.definition is not None and self.definition.is_iterable

    @property
    def place(self) -> IterationState | None:
        return getattr(self, "_place", None)

    def begin_at(self, place: IterationState) -> None:
        """Note where an iterable job is to begin."""
        self._place = place

    def put_back(self) -> None:
        """Have the job put back behind all that waits in its queue once it returns, since it is not done.

        A cancellation counts for more, whenever it comes; a timeout that the job has survived does not.
        """
        self.comes_again = True

    def end_for_good(self) -> None:
        """Have the place that an iterable job has kept removed when it is acknowledged."""
        self.comes_again = False

    @property
    def is_timed_out(self) -> bool:
        return self.halt is JobTimeout

    @property
    def is_async(self) -> bool:
        return self.definition is not None and self.definition.is_async


def named(item: Item | None) -> dict[str, Any]:
    """Return what a log line about a job has as `extra`; None: it is none."""
    item = item or {}
    return {"teep": {"class": item.get("class"), "jid": item.get("jid")}}
