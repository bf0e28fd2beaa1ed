"""A job that this process has reserved, decoded and matched with its code."""

from functools import cache
from typing import Any, NamedTuple

from teep.clock import monotonic
from teep.errors import JobCancelled, JobTimeout, MalformedPayload, UnknownJob
from teep.job.context import JobContext
from teep.job.definition import Definition, find
from teep.store import features
from teep.store.feature import Barred
from teep.store.limits import Hold
from teep.store.processes import Reported
from teep.store.running.iteration import IterationState
from teep.wire import payload
from teep.wire.options import Limit
from teep.wire.payload import Item
from teep.wire.scripts.step import Part

features.special.update(("rescues", "log_level"))  # the fields that the worker itself looks for
_special = features.special


# Seconds for which a place that was read, or given by a limit, is known. A process that stood still for longer may
# have been given up: its jobs may have come on elsewhere, and the limit may have given the place to another.
_FRESH_SECONDS = 1.0


class Asks(NamedTuple):
    """The demands of a special job. Read from the stored payload, since jobs and middleware may change theirs.

    `before`: a feature wants to see it before it runs. `suspect`: it was rescued before, from a process that it may
    have killed. `log_level`: it has its own log level. `limited`: its code has limits.
    """

    before: bool
    suspect: bool
    log_level: bool
    limited: bool = False


_asks = cache(Asks)
_NOTHING = Asks(before=False, suspect=False, log_level=False)


class UnitOfWork:
    """A reserved job: its queue, its exact bytes, its payload (None: malformed), and its code (None: unknown).

    `problem` is the error if it cannot run. `is_special` is True if it was rescued before, has its own log level, or
    needs a feature before it runs. `asks` then holds the details; an ordinary job has no `asks`.
    `halt` is the error that it was told to end with (None: none). `comes_again` tells whether an iterable job goes on
    later; None for others. `place` is where an iterable job begins, if it was read for the whole batch just before.
    `along` are the step parts that go along with its success.
    """

    __slots__ = (
        *("along", "asks", "comes_again", "definition", "halt", "is_special", "item", "problem", "queue", "raw"),
        # Unset in most jobs, as is `asks`, so that these do not pay for them.
        *("_answer", "_held", "_place", "_progress"),
    )

    def __init__(self, queue: str, raw: bytes) -> None:
        self.queue = queue
        self.raw = raw
        self.item: Item | None = None
        self.is_special = False
        self.along: tuple[Part, ...] = ()
        self.definition: Definition | None = None
        self.problem: Exception | None = None
        self.halt: type[BaseException] | None = None
        self.comes_again: bool | None = None
        try:
            self.item = item = payload.parse(raw)
            if not _special.isdisjoint(item):
                self.along = features.along_of(item, "done")
                self.asks = _asks(features.wants_before(item), "rescues" in item, "log_level" in item)
                self.is_special = self.asks != _NOTHING
            self.definition = definition = find(item["class"])
            if definition.is_limited:
                self.asks = (self.asks if self.is_special else _NOTHING)._replace(limited=True)
                self.is_special = True
        except (MalformedPayload, UnknownJob) as error:
            self.problem = error

    def context(self) -> JobContext:
        """Return the context that the job's own code gets."""
        return JobContext(self.item or {}, self)

    def stored(self) -> Item:
        """Return the payload as Redis has it. Jobs and middleware may have changed `item`.

        Raises:
            MalformedPayload: its bytes are no payload.
        """
        return payload.parse(self.raw)

    def named(self) -> dict[str, Any]:
        """Return the `extra` of a log line about it: its class and jid, never its arguments."""
        return named(self.item)

    @property
    def jid(self) -> str | None:
        jid = None if self.item is None else self.item.get("jid")
        return jid if isinstance(jid, str) else None  # another producer may have set anything

    @property
    def is_suspect(self) -> bool:
        """Whether it was rescued before, from a process that it may have killed."""
        return self.is_special and self.asks.suspect

    @property
    def may_have_begun(self) -> bool:
        """Whether it may have a saved place: it is iterable, or its code is not known here."""
        return self.definition is None or self.definition.is_iterable

    @property
    def is_cancelled(self) -> bool:
        return self.halt is JobCancelled

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that its code has."""
        return () if self.definition is None else self.definition.options.limits

    @property
    def held(self) -> tuple[Hold, ...]:
        """The places that it holds until it leaves flight."""
        held: tuple[Hold, ...] = getattr(self, "_held", ())
        return held

    def hold(self, hold: Hold) -> None:
        """Give a place back in the step in which it leaves flight, however that is."""
        self._held = (*self.held, hold)
        self.ends_with(hold.part)

    def leave(self) -> tuple[Hold, ...]:
        """Return the places that it holds, which are no longer given back with its success."""
        held, self._held = self.held, ()
        parts = [hold.part for hold in held]
        self.along = tuple(part for part in self.along if part not in parts)
        return held

    @property
    def is_answered(self) -> bool:
        """Whether its limits have been asked."""
        return hasattr(self, "_answer")

    @property
    def may_have_lost_its_place(self) -> bool:
        """Whether it holds a place that was given to it some time ago, so that its lease may be over."""
        return bool(self.held) and monotonic() - self._answer[1] > _FRESH_SECONDS

    @property
    def answer(self) -> Barred | None:
        """Their answer: why it must not run now, or None if it may."""
        return self._answer[0]

    def note_answer(self, answer: Barred | Exception | None) -> None:
        """Note the answer of its limits. If they could not be asked, because of an error of its code, it fails."""
        if isinstance(answer, Exception):
            self.problem, self.definition, answer = answer, None, None
        self._answer = answer, monotonic()

    def ends_with(self, part: Part) -> None:
        """Have a further part go along with its success."""
        self.along = (*self.along, part)

    @property
    def is_iterable(self) -> bool:
        return self.definition is not None and self.definition.is_iterable

    @property
    def place(self) -> IterationState | None:
        known, read_at = getattr(self, "_place", (None, 0.0))
        return known if monotonic() - read_at < _FRESH_SECONDS else None

    def begin_at(self, place: IterationState, read_at: float) -> None:
        """Note the place where an iterable job begins, and when it was read (monotonic seconds)."""
        self._place = place, read_at

    @property
    def progress(self) -> Reported | None:
        """What the job last told of its progress."""
        return getattr(self, "_progress", None)

    def report(self, progress: Reported) -> None:
        """Note how far the job is."""
        self._progress = progress

    def put_back(self) -> None:
        """Return the job to the end of its queue when this run returns, since it is not done.

        A cancellation takes precedence, whenever it comes; a timeout that the job has survived does not.
        """
        self.comes_again = True

    def end_for_good(self) -> None:
        """Remove the saved place of an iterable job when the job is acknowledged."""
        self.comes_again = False

    @property
    def is_timed_out(self) -> bool:
        return self.halt is JobTimeout

    @property
    def is_async(self) -> bool:
        return self.definition is not None and self.definition.is_async


def named(item: Item | None) -> dict[str, Any]:
    """Return the `extra` of a log line about a job; `item` is None if it is malformed."""
    item = item or {}
    return {"teep": {"class": item.get("class"), "jid": item.get("jid")}}
