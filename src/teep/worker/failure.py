"""What becomes of a job that was not simply done: another try, the dead set, its queue again, or nothing."""

import random
import traceback
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

from teep.config import Config
from teep.config.handlers import notify_death, report
from teep.errors import MalformedPayload
from teep.store.inflight import Outcome
from teep.wire import backtrace, keys, payload
from teep.wire.payload import Item
from teep.worker.reserved import Reserved


class Verdict(NamedTuple):
    """What a job's own `retry_in` made of the failure: a delay (seconds), or its end."""

    delay: float | None = None
    end: str | None = None


def malformed(job: Reserved, now: float) -> Outcome:
    """Return the outcome of bytes that are no job: the dead set, byte for byte, counted nowhere."""
    return Outcome(job.queue, job.raw, keys.dead(), now, job.raw, counted=None)


def outcome_of(config: Config, job: Reserved, error: BaseException, now: float) -> Outcome:
    """Return what becomes of a job that raised, having told whoever wants to know of its death.

    Raises:
        MalformedPayload: the job has no payload; see `malformed`.
    """
    if job.item is None:
        raise MalformedPayload("bytes that are no job cannot fail like one")
    return _Failure(config, job, job.item, error, now).outcome()


def interrupted(config: Config, job: Reserved, now: float) -> Outcome:
    """Return the outcome of an iterable job that goes on later: behind all that waits, with no attempt used.

    It is written from its own bytes: what server middleware has put into the payload meanwhile need not even be JSON.
    """
    after = payload.queued(payload.parse(job.raw), now, config.timestamps)
    after.pop("rescues", None)  # it ended in an orderly way, so it is not what kills processes
    return Outcome(job.queue, job.raw, keys.queue(job.queue), 0.0, payload.serialise(after))


def over(job: Reserved) -> Outcome:
    """Return the outcome of an iterable job that does not go on: its place goes in the step that acknowledges it.

    Removed any earlier, the place would be missed by whoever gets the job after a crash between the two.
    """
    return Outcome(job.queue, job.raw, None, 0.0, b"", counted="done", place=keys.iteration(job.context().jid))


def poisoned(config: Config, queue: str, raw: bytes, item: Item, reason: BaseException, now: float) -> Outcome:
    """Return the end of a job that its processes died of: the dead set, unless its `dead` option says never."""
    after = payload.failed(item, class_name(type(reason)), message(reason), None, now, config.timestamps)
    if item.get("dead") is not False:
        return Outcome(queue, raw, keys.dead(), now, payload.serialise(after))
    after["discarded_at"] = payload.stamp(now, config.timestamps)
    return Outcome(queue, raw, None, now, payload.serialise(after))


class _Failure:
    """One failure of one job, in Sidekiq's order of steps."""

    def __init__(self, config: Config, job: Reserved, item: Item, error: BaseException, now: float) -> None:
        self._config = config
        self._job = job
        self._error = error
        self._now = now
        self._item = item

    def outcome(self) -> Outcome:
        if self._item.get("retry") is False:
            notify_death(self._config, self._item, self._error)
            return self._discarded()
        after = self._after()
        verdict = self._verdict(after)
        if verdict.end == "discard":
            return self._discard(after)
        if verdict.end == "kill" or payload.is_exhausted(after, self._config.max_retries, self._now):
            return self._exhausted(after)
        delay = payload.retry_delay(after["retry_count"], verdict.delay, random.random())
        return Outcome(self._job.queue, self._job.raw, keys.retry(), self._now + delay, payload.serialise(after))

    def _after(self) -> Item:
        return payload.failed(
            self._item,
            class_name(type(self._error)),
            message(self._error),
            _stored_backtrace(self._item.get("backtrace"), self._error),
            self._now,
            self._config.timestamps,
        )

    def _verdict(self, after: Item) -> Verdict:
        definition = self._job.definition
        if definition is None or definition.options.retry_in is None:
            return Verdict()
        retry_in = definition.options.retry_in
        answer = self._ask("retry_in", lambda: retry_in(after["retry_count"], self._error, after))
        if answer in ("kill", "discard"):
            return Verdict(end=answer)
        if isinstance(answer, (int, float)) and not isinstance(answer, bool) and answer > 0:
            return Verdict(delay=float(answer))
        return Verdict()

    def _exhausted(self, after: Item) -> Outcome:
        definition = self._job.definition
        if definition is not None and definition.options.retries_exhausted is not None:
            exhausted = definition.options.retries_exhausted
            if self._ask("retries_exhausted", lambda: exhausted(after, self._error)) == "discard":
                return self._discarded()
        if after.get("dead") is False:
            return self._discard(after)
        notify_death(self._config, after, self._error)
        return Outcome(self._job.queue, self._job.raw, keys.dead(), self._now, payload.serialise(after))

    def _discard(self, after: Item) -> Outcome:
        after["discarded_at"] = payload.stamp(self._now, self._config.timestamps)
        notify_death(self._config, after, self._error)
        return self._discarded()

    def _discarded(self) -> Outcome:
        return Outcome(self._job.queue, self._job.raw, None, 0.0, b"")

    def _ask(self, what: str, question: Callable[[], Any]) -> Any:
        """Call the job author's code; where it fails itself, that is reported and the usual road taken."""
        try:
            return question()
        except BaseException as error:  # noqa: BLE001 - reported; user code may raise anything
            report(self._config, error, {"context": f"{what} failed", "job": self._item})
            return None


def class_name(kind: type[BaseException]) -> str:
    """Return an exception's name as it is stored: plain for built-in ones, dotted for others."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message(error: BaseException) -> str:
    """Return an exception's message, whatever its `__str__` does."""
    try:
        return str(error)
    except BaseException as broken:  # noqa: BLE001 - the job's failure is stored in any case
        return f"(its message cannot be shown: {type(broken).__qualname__} in __str__)"


def _stored_backtrace(option: Any, error: BaseException) -> str | None:
    """Return the backtrace to store under the job's `backtrace` option: all of it, some lines, or None."""
    if not option:
        return None
    lines = (f"{frame.filename}:{frame.lineno}:in `{frame.name}'" for frame in _frames(error))
    return backtrace.pack(list(islice(lines, option) if type(option) is int and option > 0 else lines))


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames, innermost first, as Ruby lists them."""
    return list(reversed(traceback.extract_tb(error.__traceback__)))
