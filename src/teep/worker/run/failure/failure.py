"""The outcome of a job that failed: another try, the dead set, or nothing.

Each outcome is written from the job's stored bytes. The job, a middleware or `retry_in` may change the payload that
they get; this changes neither the stored payload nor the options in force.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from teep import tracebacks
from teep.config import Config
from teep.errors import MalformedPayload, Retry, UnknownJob
from teep.job.definition import Definition, find
from teep.store import features
from teep.store.running import outcome
from teep.store.running.outcome import Outcome
from teep.tracebacks import class_name, message
from teep.wire import keys, payload, retries
from teep.wire.fields import backtrace
from teep.wire.payload import Item
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.failure import retry_in

# The number of stored lines of a backtrace if no option sets one.
_BACKTRACE_LINES = 20
# Characters of an exception's message in the log's one line; the traceback below it shows more.
_SUMMARY_CHARS = 1_000


class Ending(NamedTuple):
    """The outcome of a job that raised, with everything to log and report once that is settled.

    `item` is its stored payload, and `summary` a sentence for the log. `problems` are errors of the job's own
    callbacks, each with the callback's name. `death` is the payload for death handlers, or None if the job lives on.
    `error` is its failure: what it raised, or the cause of a `Retry`. If `is_asked`, that is a `Retry` without a
    cause, and a try is left: nothing is wrong.
    """

    outcome: Outcome
    item: Item
    summary: str
    error: BaseException
    problems: tuple[tuple[BaseException, str], ...] = ()
    death: Item | None = None
    is_asked: bool = False


def malformed(job: UnitOfWork, now: float) -> Outcome:
    """Return the outcome of bytes that are no job: the dead set, byte for byte, counted nowhere."""
    return outcome.dead(job.queue, job.raw, job.raw, now, counted=None)


def ending_of(config: Config, job: UnitOfWork, error: BaseException, now: float) -> Ending:
    """Return the outcome of a job that raised. If its payload is unfit for a retry, the job dies unchanged.

    Raises:
        MalformedPayload: the job has no payload; see `malformed`. Nothing else is raised.
    """
    if job.item is None:
        raise MalformedPayload("bytes that are no job cannot fail like one")
    try:
        return _Failure(config, job, error, now).ending()
    except BaseException as problem:  # noqa: BLE001 - another producer may have put anything into any field
        unfit = (problem, "a payload unfit for a retry, moved to the dead set")
        summary = f"failed: {_short(error)}; goes to the dead set"
        return Ending(malformed(job, now), job.item, summary, error, (unfit,))


def poisoned(config: Config, queue: str, raw: bytes, item: Item, reason: BaseException, now: float) -> Outcome:
    """Return the outcome of a job that killed its processes: the dead set, unless its `dead` option is False."""
    after = payload.failed(item, queue, class_name(type(reason)), message(reason), None, now, config.timestamps)
    if item.get("dead") is not False:
        return outcome.dead(queue, raw, payload.serialise(after), now)
    after["discarded_at"] = payload.stamp(now, config.timestamps)
    return outcome.over(queue, raw, "discarded")._replace(payload=payload.serialise(after))


class _Failure:
    """One failure of one job, in Sidekiq's order of steps."""

    def __init__(self, config: Config, job: UnitOfWork, error: BaseException, now: float) -> None:
        self._config = config
        self._job = job
        self._asked = cast("Retry", error) if issubclass(type(error), Retry) else None
        cause = None if self._asked is None else self._asked.__cause__
        self._error = error if cause is None else cause
        self._now = now
        self._problems: list[tuple[BaseException, str]] = []
        self._item = job.stored()
        self._code = _code_of(job, self._item)
        if self._item.get("retry") is None and job.definition is not None:
            self._item["retry"] = self._own_option("retry", True)

    def ending(self) -> Ending:
        if self._item.get("retry") is False:
            stored = payload.serialise(self._after()) if self._is_followed else b""
            return self._end(self._dropped(stored), self._item, "discarded", 1, death=self._job.stored())
        after = self._after()
        stored = payload.serialise(after)  # before the job's own code can change it
        count: int = after["retry_count"]
        is_exhausted = retries.is_exhausted(after, self._config.max_retries, self._now)
        answer = None if is_exhausted else self._delay_or_end(count, after)
        if answer == "discard":
            return self._discard(after, stored, count)
        if answer == "kill" or is_exhausted:
            return self._exhausted(after, stored, count)
        delay = retries.delay(count, answer, random.random())
        retry = Outcome(self._job.queue, self._job.raw, keys.retry(), self._now + delay, stored)
        return self._end(retry, after, f"again in {delay:.0f} s", count + 1)

    def _after(self) -> Item:
        return payload.failed(
            self._item,
            self._job.queue,
            class_name(type(self._error)),
            message(self._error),
            self._backtrace(),
            self._now,
            self._config.timestamps,
        )

    def _backtrace(self) -> str | None:
        """Return the backtrace to store, by the job's `backtrace` option: all of it, some lines, or None."""
        option = self._item.get("backtrace")
        if option is None:
            option = self._own_option("backtrace", _BACKTRACE_LINES)
        if option is False:
            return None
        found = tracebacks.lines(self._error)
        cleaner = self._config.backtrace_cleaner
        kept = self._ask("backtrace_cleaner", lambda: [str(line) for line in cleaner(list(found))])
        if kept is None:
            kept = tracebacks.without_teep(found)
        return backtrace.pack(kept[:option] if type(option) is int else kept)

    def _delay_or_end(self, count: int, after: Item) -> Any:
        if self._asked is not None and self._asked.seconds is not None:
            return self._asked.seconds
        return self._retry_in(count, after)

    def _retry_in(self, count: int, after: Item) -> Any:
        if self._code is None or self._code.options.retry_in is None:
            return None
        own = self._code.options.retry_in
        return self._ask("retry_in", lambda: retry_in.delay_or_end(own(count, self._error, after)))

    def _exhausted(self, after: Item, stored: bytes, count: int) -> Ending:
        if self._code is not None and self._code.options.retries_exhausted is not None:
            exhausted = self._code.options.retries_exhausted
            if self._ask("retries_exhausted", lambda: retry_in.is_discard(exhausted(after, self._error))):
                return self._discard(after, stored, count)
        if self._item.get("dead") is False:
            return self._discard(after, stored, count)
        dead = outcome.dead(self._job.queue, self._job.raw, stored, self._now)
        return self._end(dead, after, "goes to the dead set", count + 1, death=after)

    def _discard(self, after: Item, stored: bytes, count: int) -> Ending:
        after["discarded_at"] = payload.stamp(self._now, self._config.timestamps)
        return self._end(self._dropped(stored), after, "discarded", count + 1, death=after)

    @property
    def _is_followed(self) -> bool:
        """Whether a feature has parts that go along with the job's end, and so looks at its failure."""
        return any(stamp in self._item for stamp, _ in features.enders())

    def _dropped(self, stored: bytes) -> Outcome:
        return outcome.over(self._job.queue, self._job.raw, "discarded")._replace(payload=stored)

    def _end(self, end: Outcome, told: Item, consequence: str, number: int, death: Item | None = None) -> Ending:
        is_asked = self._error is self._asked and death is None
        happened = "asked for a retry" if is_asked else "failed"
        why = _words(self._error) if is_asked else _short(self._error)
        summary = f"{happened} ({self._try(number)}): {why}; {consequence}"
        return Ending(end, told, summary, self._error, tuple(self._problems), death, is_asked)

    def _try(self, number: int) -> str:
        retry = self._item.get("retry")
        most = 1 + (retry if type(retry) is int else 0 if retry is False else self._config.max_retries)
        has_no_count = isinstance(self._item.get("retry_for"), (int, float)) and retry is not False
        return f"try {number}" if has_no_count or number > most else f"try {number} of {most}"

    def _own_option(self, name: str, usual: Any) -> Any:
        """Return an option of the job's code, for a payload without it."""
        own = None if self._job.definition is None else self._job.definition.options.fields.get(name)
        if own is None:
            own = self._config.job_defaults.get(name)
        return usual if own is None else own

    def _ask(self, what: str, question: Callable[[], Any]) -> Any:
        """Call a user's callback. If it raises, that will be reported, and None stands for the default."""
        try:
            return question()
        except BaseException as problem:  # noqa: BLE001 - reported; user code may raise anything
            self._problems.append((problem, f"{what} failed"))
            return None


def _code_of(job: UnitOfWork, item: Item) -> Definition | None:
    """Return the job whose `retry_in` and `retries_exhausted` count: the wrapped job, if it wraps one."""
    wrapped = item.get("wrapped")
    if wrapped is None:
        return job.definition
    try:
        return find(wrapped) if isinstance(wrapped, str) else None
    except UnknownJob:
        return None


def _words(error: BaseException) -> str:
    return tracebacks.bounded(" ".join(message(error).split()), _SUMMARY_CHARS)


def _short(error: BaseException) -> str:
    """Return an exception's class and message in one line."""
    words = _words(error)
    return f"{class_name(type(error))}: {words}" if words else class_name(type(error))
