"""A bulk push: many jobs that share all but their arguments, in slices."""

import os
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from typing import Any, NamedTuple

from teep.client.payloads.encryption import sealed_args
from teep.client.payloads.push import JID_RANDOM_BYTES, finish, is_transactional, name_in, push_of
from teep.client.payloads.template import shared
from teep.config import Config
from teep.errors import InvalidArguments, InvalidJob
from teep.store import features
from teep.store.feature import Pushing
from teep.store.jobs.pushes import Push
from teep.wire import json, payload
from teep.wire.payload import Item

BULK_SLICE = 1_000
_MIN_SPREAD, _MAX_SPREAD = 5.0, 1_000_000_000  # as any option in seconds


class _Rows(NamedTuple):
    """The argument lists of a slice, the first of which has this place in the whole push."""

    first: int
    args: list[Any]


class Slice(NamedTuple):
    """A slice of a bulk push: the jids of its jobs (None if a middleware stopped it), and the push of the rest."""

    jids: list[str | None]
    push: Push | None


class Bulk:
    """A bulk push as slices of prepared payloads, read lazily from any iterable of argument lists."""

    def __init__(self, config: Config, given: Mapping[str, Any]) -> None:
        self._config = config
        self._given = given
        try:
            self._read(given)
        except (InvalidArguments, InvalidJob) as error:
            name_in(error, given)
            raise

    def _read(self, given: Mapping[str, Any]) -> None:
        payload.validate_kind(given)
        fields = dict(given)
        self._size = _slice_size(fields.pop("batch_size", BULK_SLICE))
        self._spread = _spread(fields.pop("spread_interval", None))
        self._at = _times(fields.pop("at", None))
        if self._spread is not None and self._at is not None:
            raise InvalidJob("give at (a time for each job) or spread_interval (a random one), not both")
        self._args = _arguments(fields)
        self._jid = fields.pop("jid", None)
        self._is_transactional = is_transactional(self._config, given)
        # The fields that all jobs share are checked and ordered once; only arguments and times differ.
        self._template = payload.normalise(
            {**fields, "args": []}, self._config.job_defaults, "", 0.0, self._config.timestamps
        )

    def slices(self) -> Iterator[Slice]:
        """Yield the jobs, at most a slice at a time.

        Raises:
            InvalidArguments, InvalidJob: at the first bad job; the slices before it were sent, its own was not.
        """
        try:
            yield from self._slices()
        except (InvalidArguments, InvalidJob) as error:
            name_in(error, self._given)
            raise

    def _slices(self) -> Iterator[Slice]:
        jobs = iter(self._args)
        times = iter(self._at) if isinstance(self._at, Iterable) else None
        first = 0
        while chunk := list(islice(jobs, self._size)):
            now = time.time()
            jids = payload.new_jids(now, os.urandom(JID_RANDOM_BYTES * len(chunk)))
            rows = _Rows(first, chunk)
            made = self._alike(rows, jids, now) if self._is_plain else self._each(rows, jids, times, now)
            if len(chunk) < self._size:
                _refuse_more(times)
            yield made
            first += len(chunk)
        _refuse_more(times)

    @property
    def _is_plain(self) -> bool:
        """Whether nothing but arguments and jid differs, and neither a feature nor a middleware looks at each."""
        alike = self._at is None and self._spread is None and self._jid is None
        return alike and not features.differ(self._template) and not len(self._config.client_middleware)

    def _alike(self, rows: _Rows, jids: list[str], now: float) -> Slice:
        """Write the JSON that the jobs of a slice share only once: as `_each`, in a third of the time."""
        stamp = payload.stamp(now, self._config.timestamps)
        pushing = Pushing(now, self._config.timestamps, is_new=True)
        template, _ = features.on_push(self._template | {"created_at": stamp}, pushing)
        item = payload.queued(template, now, self._config.timestamps)
        before, to_jid, after = shared(item, ("args", "jid"))  # the template has its jid behind the arguments
        to_jid, after = to_jid + b'"', b'"' + after
        encoded = "\n".join(jids).encode().split(b"\n")
        raws = [
            b"".join((before, args, to_jid, jid, after))
            for args, jid in zip(self._encoded_args(rows), encoded, strict=True)
        ]
        return Slice([*jids], Push({item["queue"]: raws}, (), transactional=self._is_transactional, jids=jids))

    def _encoded_args(self, rows: _Rows) -> list[bytes]:
        if not self._template.get("encrypt") and set(map(type, rows.args)) <= {list, tuple}:
            encoded = json.dumps_simple(rows.args)
            if encoded is not None:
                return encoded
        return [json.dumps(args) for args in self._checked(rows)]

    def _each(self, rows: _Rows, jids: list[str], times: Iterator[float] | None, now: float) -> Slice:
        indices = count(rows.first)
        jobs = [
            finish(self._config, self._item(index, args, jid, times, now), now)
            for index, args, jid in zip(indices, self._checked(rows), jids, strict=False)
        ]
        left = [job for job in jobs if job is not None]
        return Slice(
            [None if job is None else job.jid for job in jobs],
            push_of(left, transactional=self._is_transactional) if left else None,
        )

    def _item(self, index: int, args: list[Any], jid: str, times: Iterator[float] | None, now: float) -> Item:
        item = dict(self._template)
        item["args"] = args
        item["jid"] = self._own_jid(index) or jid
        item["created_at"] = payload.stamp(now, self._config.timestamps)
        at = self._time(index, times, now)
        if at is not None:
            item["at"] = at
        return item

    def _checked(self, rows: _Rows) -> Iterator[list[Any]]:
        """Yield the arguments of each job as they are needed, encrypted if its options say so."""
        is_sealed = self._template.get("encrypt")
        for index, args in enumerate(rows.args, rows.first):
            if not isinstance(args, (list, tuple)):
                raise InvalidJob(f"args[{index}] must be the list of one job's arguments, not {type(args).__name__}")
            listed = sealed_args(self._template, list(args)) if is_sealed else list(args)
            json.check(listed, f"args[{index}]")
            yield listed

    def _own_jid(self, index: int) -> str | None:
        if self._jid is not None and index > 0:
            raise InvalidJob("a bulk push of several jobs cannot give them all one jid; leave it out")
        return None if self._jid is None else str(self._jid)

    def _time(self, index: int, times: Iterator[float] | None, now: float) -> float | None:
        if self._spread is not None:
            return now + random.random() * self._spread
        if isinstance(self._at, (int, float)):
            return float(self._at)
        if times is None:
            return None
        at = next(times, None)
        if at is None:
            raise InvalidJob(f'"at" has no time for job {index}; give one for each')
        payload.validate_time(at)
        return at


def _arguments(fields: Mapping[str, Any]) -> Iterable[Any]:
    args = fields.get("args")
    if not isinstance(args, Iterable):
        raise InvalidJob(
            f'"args" of {fields.get("class")} must be a list of argument lists, or any other iterable of them,'
            f" not {type(args).__name__}"
        )
    return args


def _times(at: Any) -> float | Iterable[float] | None:
    if at is None:
        return None
    if isinstance(at, (str, bool)) or not isinstance(at, (int, float, Iterable)):
        raise InvalidJob(f'"at" must be epoch seconds, a number or one for each job, not {at!r}')
    if isinstance(at, (int, float)):
        payload.validate_time(at)
    return at


def _refuse_more(times: Iterator[float] | None) -> None:
    if times is not None and next(times, None) is not None:
        raise InvalidJob('"at" lists more times than there are jobs')


def _slice_size(size: Any) -> int:
    if type(size) is not int or not 1 <= size <= BULK_SLICE:
        raise InvalidJob(f"batch_size must be from 1 to {BULK_SLICE} jobs, not {size!r}")
    return size


def _spread(seconds: Any) -> float | None:
    if seconds is None:
        return None
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, (int, float))
        or not _MIN_SPREAD <= seconds <= _MAX_SPREAD
    ):
        raise InvalidJob(f"spread_interval must be from {_MIN_SPREAD} to {_MAX_SPREAD} seconds, not {seconds!r}")
    return float(seconds)
