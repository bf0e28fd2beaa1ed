"""What a batch and a workflow have in common: options, callbacks, and a parent."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Self

from teep.client.batches.callbacks import prepared, template
from teep.client.client import Enqueueable
from teep.client.payloads.push import new_jid
from teep.config import Config, default_config
from teep.errors import InvalidType, InvalidValue, NotHere
from teep.store.batches import EVENTS, Declaration, Event, is_ours
from teep.wire.options import MAX_SECONDS
from teep.wire.payload import Item

LINGER = 86_400.0


class Watched:
    """Jobs whose ends are watched together, new (`bid` is None) or there already. See `Batch` for the arguments."""

    kind: ClassVar[str]
    opens: ClassVar[str]
    """What the user calls to make it, after which it takes no more callbacks."""
    node: str | None = None
    """The node that runs here, whose child another is that has this one as its parent; None: there is none."""

    def __init__(
        self,
        bid: str | None,
        description: str | None,
        tags: Sequence[str],
        callback_queue: str | None,
        linger: float | timedelta,
        parent: "Watched | str | None",
        config: Config | None,
    ) -> None:
        self.config: Config = config or (parent.config if isinstance(parent, Watched) else default_config())
        self.bid: str = new_jid(time.time()) if bid is None else bid
        self.parent_bid: str | None = parent.bid if isinstance(parent, Watched) else parent
        self._parent_node = parent.node if isinstance(parent, Watched) else None
        if self.parent_bid is not None:
            _check_bid(self.parent_bid)
        self._is_new = bid is None
        if bid is not None:
            _check_bid(bid)
            if (description, tuple(tags), callback_queue, parent) != (None, (), None, None):
                raise InvalidValue(f"{self.kind} {bid} has its options since it was made; they cannot be given again")
        self._description = self._text("description", description)
        self._tags = self._listed(tags)
        self._queue = self._named(callback_queue)
        self._linger = self._milliseconds(linger)
        self._callbacks: list[tuple[Event, Item]] = []

    def on(self, event: Event, job: Enqueueable | str, /, *args: Any, **kwargs: Any) -> Self:
        """Push a job with its arguments when an event happens; call it before the first `jobs()` or `start()`.

        `job` is any job, or the name of one that only others know. Its payload is made now, with a jid that
        `BatchStatus.callbacks` tells. In it `current_job().batch` is this batch. Returns the batch.

        Raises:
            InvalidArguments, InvalidJob: these are not its arguments, or there is no such event.
            NotHere: the batch is there already, so its events may have happened.
        """
        if event not in EVENTS:
            raise InvalidValue(f"a {self.kind} has the events {', '.join(EVENTS)}, not {event!r}")
        if not self._is_new:
            raise NotHere(f"{self.kind} {self.bid} is open already; callbacks are declared before {self.opens}")
        item = prepared(self.config, job, args, kwargs)
        if item is not None:
            self._callbacks.append((event, item if self._queue is None else item | {"queue": self._queue}))
        return self

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
        made = Declaration(time.time(), self._description, self._tags, self._linger, self.parent_bid, callbacks)
        return made._replace(parent_node=self._parent_node)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.bid}>"

    def _text(self, name: str, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise InvalidType(f"{name} of a {self.kind} must be a string, not {value!r:.100}")
        return value

    def _listed(self, tags: Any) -> list[str]:
        if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
            raise InvalidType(f"tags of a {self.kind} must be a list of strings, not {tags!r:.100}")
        return list(tags)

    def _named(self, name: Any) -> str | None:
        if name is not None and (not isinstance(name, str) or not name or "\0" in name or "\n" in name):
            raise InvalidValue(f"callback_queue of a {self.kind} must be the name of a queue, not {name!r:.100}")
        return name

    def _milliseconds(self, linger: Any) -> int:
        seconds = linger.total_seconds() if isinstance(linger, timedelta) else linger
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise InvalidType(f"linger of a {self.kind} must be seconds or a timedelta, not {linger!r:.100}")
        if not 0 < seconds <= MAX_SECONDS:
            raise InvalidValue(
                f"linger of a {self.kind} must be more than 0 seconds, up to {MAX_SECONDS}, not {linger!r}"
            )
        return max(int(seconds * 1000), 1)


def _check_bid(bid: object) -> None:
    if not is_ours(bid):
        raise InvalidValue(f"a bid is 24 hex digits, such as Batch().bid, not {bid!r:.100}")
