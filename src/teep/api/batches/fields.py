"""A batch as it was read: the properties that need no further look at Redis."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from teep.client.times import shown
from teep.errors import InvalidValue, MalformedPayload
from teep.store.batches import EVENTS, Event, Record, Sizes
from teep.wire import json, payload

State = Literal["running", "success", "dead", "finished", "invalid", "unknown"]


# Digits of the largest number that Redis counts to.
_DIGITS = 19


class BatchCallback(NamedTuple):
    """A callback of a batch: its job's class and jid, and when it was pushed (None: its event has not happened)."""

    event: Event
    klass: str
    jid: str
    fired_at: datetime | None


class Fields:
    """The properties of a batch. One that is not known, or not any more, has no jobs and no times."""

    bid: str
    _record: Record | None

    @property
    def is_known(self) -> bool:
        """Whether it is in Redis: it is forgotten a day after its last job is over, or when its `linger` says."""
        return self._record is not None

    @property
    def _sizes(self) -> Sizes:
        return Sizes(0, 0, 0, 0) if self._record is None else self._record.sizes

    @property
    def total(self) -> int:
        """How many jobs were added, the callbacks of child batches included."""
        return self._number("total")

    @property
    def pending(self) -> int:
        """How many of them are not over, or dead."""
        return self._sizes.pending

    @property
    def failures(self) -> int:
        """How many of the pending ones have failed at their last run, the dead ones included."""
        return self._sizes.failed

    @property
    def dead(self) -> int:
        """How many of them are dead. One that someone sends back counts until it succeeds."""
        return self._sizes.dead

    @property
    def discarded(self) -> int:
        """How many were discarded, cancelled or deleted, or have expired."""
        return self._number("discarded")

    @property
    def open_children(self) -> int:
        """How many of its child batches have not finished."""
        return self._sizes.children

    @property
    def waiting(self) -> int:
        """How many jobs of a workflow wait for others, and so are not pushed yet."""
        return self._sizes.waiting

    @property
    def cancelled(self) -> int:
        """How many jobs of a workflow will not be pushed, because of one before them, or a cancellation."""
        return self._sizes.cancelled

    @property
    def progress(self) -> float:
        """Which part of its jobs is over: 1.0 if all are."""
        left = self.pending - self.dead + self.waiting
        return 1.0 if self.total == 0 else (self.total - left) / self.total

    @property
    def state(self) -> State:
        """Its state: "success", "dead" (a job is), "finished" (without success), "invalid", else "running"."""
        if self._record is None:
            return "unknown"
        if self.fired_at("success") is not None:
            return "success"
        if self.dead:
            return "dead"
        if self.finished_at is not None:
            return "finished"
        return "invalid" if self.invalid else "running"

    @property
    def created_at(self) -> datetime | None:
        """When it was made, in UTC."""
        return self._time("created_at")

    @property
    def finished_at(self) -> datetime | None:
        """When all its jobs were over."""
        return self.fired_at("finish")

    def fired_at(self, event: Event) -> datetime | None:
        """Return when an event happened, or None if it has not.

        Raises:
            InvalidValue: there is no such event.
        """
        if event not in EVENTS:
            raise InvalidValue(f"there is no event {event!r}; there are {', '.join(EVENTS)}")
        return self._time(f"fired:{event}")

    @property
    def callbacks(self) -> dict[str, list[BatchCallback]]:
        """Its callbacks by their events."""
        return {event: found for event in EVENTS if (found := self._callbacks(event))}

    @property
    def parent(self) -> str | None:
        """The bid of the batch that waits for this one."""
        return self._text("parent").removeprefix("{teep:batch:").removesuffix("}") or None

    @property
    def description(self) -> str | None:
        """What it is for."""
        return self._about().get("description")

    @property
    def tags(self) -> list[str]:
        tags = self._about().get("tags")
        return tags if isinstance(tags, list) else []

    @property
    def workflow(self) -> str | None:
        """The name of the workflow that it is, "" if that has none; None if it is no workflow."""
        return None if self._record is None or "workflow" not in self._record.fields else self._text("workflow")

    @property
    def invalid(self) -> bool:
        """Whether its jobs are skipped from now on."""
        return bool(self._text("invalid"))

    @property
    def compact(self) -> bool:
        """Whether it knows jobs by an index (`bix` in their payloads) and not by their jids: large blocks do that."""
        return bool(self._text("next"))

    @property
    def abandoned(self) -> bool:
        """Whether a block that added jobs in several steps never closed: its process may have died."""
        return bool(self._text("abandoned"))

    def _text(self, name: str) -> str:
        return "" if self._record is None else self._record.fields.get(name, b"").decode(errors="replace")

    def _number(self, name: str) -> int:
        text = self._text(name)
        return int(text) if text.isdecimal() and len(text) <= _DIGITS else 0

    def _time(self, name: str) -> datetime | None:
        try:
            return shown(float(self._text(name)))
        except (ValueError, OverflowError):  # it has not happened, or another program wrote there
            return None

    def _about(self) -> Mapping[str, Any]:
        raw = None if self._record is None else self._record.fields.get("about")
        try:
            found = None if raw is None else json.loads(raw)
        except MalformedPayload:  # another program wrote there: one batch must not keep the others from being listed
            found = None
        return found if isinstance(found, dict) else {}

    def _callbacks(self, event: Event) -> list[BatchCallback]:
        raw = b"" if self._record is None else self._record.fields.get(f"on:{event}", b"")
        fired_at = self.fired_at(event)
        return [_callback(event, line, fired_at) for line in raw.split(b"\n") if line]


def _callback(event: Event, line: bytes, fired_at: datetime | None) -> BatchCallback:
    jid, *parts = line.split(b"\0")
    try:
        klass = str(payload.parse(b"0".join(parts[-2:]))["class"])
    except (MalformedPayload, LookupError):  # another program wrote there
        klass = ""
    return BatchCallback(event, klass, jid.decode(errors="replace"), fired_at)
