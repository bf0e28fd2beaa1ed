"""A batch as programs make it."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Self

from teep.client.batches.block import Block, most_of
from teep.client.batches.callbacks import prepared, template
from teep.client.client import Enqueueable
from teep.client.payloads.push import new_jid
from teep.config import Config, default_config
from teep.errors import InvalidType, InvalidValue, NotHere
from teep.store.batches import EVENTS, Declaration, Event, is_ours
from teep.wire.options import MAX_SECONDS
from teep.wire.payload import Item

_LINGER = 86_400.0


class Batch:
    """Jobs whose ends are watched together, and callbacks that are pushed at its events. Sidekiq Pro's Batch.

    | event | happens, once, when |
    |---|---|
    | `"complete"` | each job has run at least once, or is over |
    | `"success"` | all have succeeded |
    | `"death"` | the first one is dead |
    | `"finish"` | all are over: they succeeded, are dead, or were discarded, expired, cancelled or deleted |

    All but `"death"` wait for child batches, too, and for the callbacks of these.

    Args:
        bid: a batch that is there already, to add jobs to it; without one it is new, and takes the other options.
        description: what it is for, to be shown.
        tags: to find it by.
        callback_queue: the queue of its callbacks; default each one's own.
        linger: seconds or timedelta for which it is remembered once all its jobs are over; default a day.
        parent: the batch, or its bid, that waits for this one; default that in whose block it is first opened.
        config: which Redis; default the process-wide configuration.

    Raises:
        InvalidType, InvalidValue: an option is wrong.
    """

    def __init__(
        self,
        bid: str | None = None,
        *,
        description: str | None = None,
        tags: Sequence[str] = (),
        callback_queue: str | None = None,
        linger: float | timedelta = _LINGER,
        parent: "Batch | str | None" = None,
        config: Config | None = None,
    ) -> None:
        self.config = config or default_config()
        self.bid: str = new_jid(time.time()) if bid is None else bid
        self.parent_bid: str | None = parent.bid if isinstance(parent, Batch) else parent
        if self.parent_bid is not None:
            _check_bid(self.parent_bid)
        self._is_new = bid is None
        if bid is not None:
            _check_bid(bid)
            if (description, tuple(tags), callback_queue, parent) != (None, (), None, None):
                raise InvalidValue(f"batch {bid} has its options since it was made; they cannot be given again")
        self._description = _text("description", description)
        self._tags = _tags(tags)
        self._queue = _queue(callback_queue)
        self._linger = _milliseconds(linger)
        self._callbacks: list[tuple[Event, Item]] = []

    def on(self, event: Event, job: Enqueueable | str, /, *args: Any, **kwargs: Any) -> Self:
        """Push a job with its arguments when an event happens; call it before the first `jobs()`. Returns the batch.

        `job` is any job, or the name of one that only others know. Its payload is made now, with a jid that
        `BatchStatus.callbacks` tells. In it `current_job().batch` is this batch.

        Raises:
            InvalidArguments, InvalidJob: these are not its arguments, or there is no such event.
            NotHere: the batch has been opened, so its events may have happened already.
        """
        if event not in EVENTS:
            raise InvalidValue(f"a batch has the events {', '.join(EVENTS)}, not {event!r}")
        if not self._is_new:
            raise NotHere(f"batch {self.bid} is open already; callbacks are declared before its first jobs()")
        item = prepared(self.config, job, args, kwargs)
        if item is not None:
            self._callbacks.append((event, item if self._queue is None else item | {"queue": self._queue}))
        return self

    def jobs(self, *, flush_every: int | None = None) -> Block:
        """Return the block, for `with` or `async with`, inside of which every push adds a job to this batch.

        The jobs are sent at its end in one atomic step. An error in the block drops them all. More than 1,000, or
        than `flush_every`, are sent in steps of so many. Events then wait for the end of the block, or an hour after
        its last step if its process dies; an error in the block leaves the batch invalid, so its jobs are skipped.
        The batch knows such jobs by an index, a bit of Redis each, in place of 75 bytes for a jid.

        It can be called again, from anywhere that knows the bid, until the batch has finished. It holds for this
        thread or task, and the tasks started inside. `perform_inline` runs a job that is not of the batch.

        Raises:
            BatchClosed: at the end of the block: the batch has finished. Nothing was pushed.
        """
        return Block(self, most_of(flush_every))

    def is_opened_in(self, bid: str | None) -> None:
        """Note the batch in whose block this one is opened: it is the parent of a new one that has none."""
        if self._is_new and self.parent_bid is None and bid != self.bid:
            self.parent_bid = bid

    def declare(self) -> Declaration | None:
        """Return what makes this batch, once; None if it is made already."""
        if not self._is_new:
            return None
        self._is_new = False
        callbacks = [template(self.config, event, item, self.bid, self.parent_bid) for event, item in self._callbacks]
        return Declaration(time.time(), self._description, self._tags, self._linger, self.parent_bid, callbacks)

    def __repr__(self) -> str:
        return f"<Batch {self.bid}>"


def _check_bid(bid: object) -> None:
    if not is_ours(bid):
        raise InvalidValue(f"a bid is 24 hex digits, such as Batch().bid, not {bid!r:.100}")


def _text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidType(f"{name} of a batch must be a string, not {value!r:.100}")
    return value


def _tags(tags: Any) -> list[str]:
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidType(f"tags of a batch must be a list of strings, not {tags!r:.100}")
    return list(tags)


def _queue(name: Any) -> str | None:
    if name is not None and (not isinstance(name, str) or not name or "\0" in name or "\n" in name):
        raise InvalidValue(f"callback_queue of a batch must be the name of a queue, not {name!r:.100}")
    return name


def _milliseconds(linger: Any) -> int:
    seconds = linger.total_seconds() if isinstance(linger, timedelta) else linger
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise InvalidType(f"linger of a batch must be seconds or a timedelta, not {linger!r:.100}")
    if not 0 < seconds <= MAX_SECONDS:
        raise InvalidValue(f"linger of a batch must be more than 0 seconds, up to {MAX_SECONDS}, not {linger!r}")
    return max(int(seconds * 1000), 1)
