"""A callback: a job with its arguments, prepared when it is declared, so that Redis pushes it as it is."""

from collections.abc import Mapping
from typing import Any

from teep.client.client import Enqueueable
from teep.client.payloads.push import prepare
from teep.client.payloads.template import shared
from teep.config import Config
from teep.errors import InvalidType, InvalidValue
from teep.store.batches import CALLBACK_OF, FIELD, Event, Template
from teep.wire import payload
from teep.wire.payload import Item

# Such a job is pushed exactly once, and is not too late: it is due when its event happens, or its turn comes.
_LEFT_OUT = frozenset({"unique_for", "unique_until", "expires_in"})


def prepared(config: Config, job: Enqueueable | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Item | None:
    """Return the payload of a callback, or None if a client middleware stopped it.

    Raises:
        InvalidArguments, InvalidJob: it is no job, or these are not its arguments.
    """
    given = _called(job, args, kwargs)
    if given.get("at") is not None:
        raise InvalidValue("a callback is pushed when its event happens, so it takes no time of its own")
    return made(config, given)


def made(config: Config, given: Mapping[str, Any]) -> Item | None:
    """Return the payload of a job that Redis pushes once, or None if a client middleware stopped it."""
    job = prepare(config, {name: value for name, value in given.items() if name not in _LEFT_OUT})
    return None if job is None else payload.parse(job.raw)


def _called(job: Enqueueable | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
    if isinstance(job, str):
        if kwargs:
            raise InvalidType(f"the arguments of {job}, which is only a name here, must be given by position")
        return {"class": job, "args": list(args)}
    if not hasattr(job, "to_payload"):
        raise InvalidType(f"a callback must be a job or its name, not {job!r:.200}")
    return job.to_payload(args, kwargs)


def template(config: Config, event: Event, item: Item, bid: str, parent: str | None) -> Template:
    """Return the callback of a batch, cut where the time goes when it is pushed.

    It is a job of the parent, which waits for it, and never one of its own batch.
    """
    item = {**item, CALLBACK_OF: bid} | ({} if parent is None else {FIELD: parent})
    head, tail = shared(item, ("enqueued_at",))
    return Template(event, item["jid"], item["queue"], config.timestamps, head, tail)
