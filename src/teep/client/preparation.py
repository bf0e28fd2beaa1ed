"""What a pushed mapping goes through before it is sent: defaults, validation, middleware, JSON."""

import os
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from teep.config import Config
from teep.errors import InvalidJob, MalformedPayload
from teep.store.jobsets import Enqueued, Verdict
from teep.wire import json, payload
from teep.wire.payload import Item

BULK_SLICE = 1_000
_MIN_SPREAD = 5.0
_JID_RANDOM_BYTES = 6


class Prepared(NamedTuple):
    """A payload ready to be sent: to its queue, or where `at` (epoch seconds) is set, to the scheduled set."""

    jid: str
    queue: str
    at: float | None
    raw: bytes


def new_jid(now: float) -> str:
    return payload.new_jid(now, os.urandom(_JID_RANDOM_BYTES))


def prepare(config: Config, given: Mapping[str, Any]) -> Prepared | None:
    """Return what to send for one pushed mapping, or None where a middleware stopped it."""
    now = time.time()
    item = payload.normalise(given, config.job_defaults, new_jid(now), now, config.timestamps)
    _refuse_unavailable(item)
    return finish(config, item, now)


def finish(config: Config, item: Item, now: float) -> Prepared | None:
    """Run the client middleware and write the payload's bytes."""
    if len(config.client_middleware):
        passed = config.client_middleware.invoke(item, lambda: item)
        if not passed:
            return None
        item = passed
        for name, value in item.items():
            json.check(value, name)
    at = item.get("at")
    if at is not None and at > now:
        return Prepared(item["jid"], item["queue"], float(at), payload.serialise(payload.scheduled(item)))
    return Prepared(item["jid"], item["queue"], None, payload.serialise(payload.queued(item, now, config.timestamps)))


def again(config: Config, raw: bytes, *, take_back: bool) -> Enqueued | Verdict:
    """Return what a job of a set becomes in its queue, through the client middleware, as at any push.

    `take_back`: it does not count as a retry. Bytes that are no job stay where they are.
    """
    try:
        item = payload.parse(raw)
    except MalformedPayload:
        return Verdict.LEAVE
    item.setdefault("queue", "default")
    item.setdefault("jid", "")
    if take_back:
        item = payload.taken_back(item)
    prepared = finish(config, item, time.time())
    return Verdict.DROP if prepared is None else Enqueued(prepared.queue, prepared.raw)


def _refuse_unavailable(item: Item) -> None:
    if item.get("encrypt"):
        # Storing the clear secret because nobody can encrypt it yet would be the worst answer.
        raise InvalidJob(
            f"{item['class']} asks for encryption, which this version of teep cannot do; nothing was pushed"
        )


class Bulk:
    """A bulk push as slices of prepared payloads, read lazily from any iterable of argument lists."""

    def __init__(self, config: Config, given: Mapping[str, Any]) -> None:
        fields = dict(given)
        self._config = config
        self._size = _slice_size(fields.pop("batch_size", BULK_SLICE))
        self._spread = _spread(fields.pop("spread_interval", None))
        self._at = fields.pop("at", None)
        self._args: Iterable[Any] = fields.get("args", ())
        self._jid = fields.pop("jid", None)
        # What all jobs share is checked and ordered once; only arguments and times differ.
        self._template = payload.normalise({**fields, "args": []}, config.job_defaults, "", 0.0, config.timestamps)
        _refuse_unavailable(self._template)

    def slices(self) -> Iterator[list[Prepared | None]]:
        """Yield the payloads, at most a slice at a time; None stands for one that a middleware stopped.

        Raises:
            InvalidArguments, InvalidJob: at the first bad one; the slices before it were sent, its own was not.
        """
        jobs = enumerate(self._args)
        times = None if self._at is None or isinstance(self._at, (int, float)) else iter(self._at)
        while chunk := list(islice(jobs, self._size)):
            now = time.time()
            yield [finish(self._config, self._item(index, args, times, now), now) for index, args in chunk]
        if times is not None and next(times, None) is not None:
            raise InvalidJob('"at" lists more times than there are jobs')

    def _item(self, index: int, args: Any, times: Iterator[float] | None, now: float) -> Item:
        if not isinstance(args, (list, tuple)):
            raise InvalidJob(f"args[{index}] must be the list of one job's arguments, not {args!r}")
        json.check(list(args), f"args[{index}]")
        item = dict(self._template)
        item["args"] = list(args)
        item["jid"] = self._own_jid(index) or new_jid(now)
        item["created_at"] = payload.stamp(now, self._config.timestamps)
        at = self._time(index, times, now)
        if at is not None:
            item["at"] = at
        return item

    def _own_jid(self, index: int) -> str | None:
        if self._jid is not None and index > 0:
            raise InvalidJob("a bulk push of several jobs cannot give them all one jid; leave it out")
        return None if self._jid is None else str(self._jid)

    def _time(self, index: int, times: Iterator[float] | None, now: float) -> float | None:
        if self._spread is not None:
            return now + random.random() * self._spread
        if times is None:
            return None if self._at is None else float(self._at)
        at = next(times, None)
        if at is None:
            raise InvalidJob(f'"at" has no time for job {index}; give one for each')
        return at


def _slice_size(size: Any) -> int:
    if type(size) is not int or not 1 <= size <= BULK_SLICE:
        raise InvalidJob(f"batch_size must be from 1 to {BULK_SLICE} jobs, not {size!r}")
    return size


def _spread(seconds: Any) -> float | None:
    if seconds is None:
        return None
    if not isinstance(seconds, (int, float)) or seconds < _MIN_SPREAD:
        raise InvalidJob(f"spread_interval must be at least {_MIN_SPREAD} seconds, not {seconds!r}")
    return float(seconds)
