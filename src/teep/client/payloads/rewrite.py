"""Stored payloads written anew: sent to a queue, changed, moved to another queue."""

import time
from collections.abc import Mapping
from typing import Any

from teep.client.payloads.encryption import resealed
from teep.client.payloads.push import finish, new_jid
from teep.config import Config
from teep.errors import InvalidJob
from teep.store import features
from teep.store.jobs.jobsets import Enqueued, Verdict
from teep.wire import json, options, payload
from teep.wire.stored import Stored


def again(config: Config, stored: Stored, *, take_back: bool) -> Enqueued | Verdict:
    """Return how a job of a set goes on to its queue, through the client middleware, as at any push.

    `take_back`: it does not count as a retry. Bytes that are no job stay where they are.
    """
    if stored.item is None:
        return Verdict.LEAVE
    item, now = dict(stored.item), time.time()
    item.pop("at", None)  # it is due, whatever time another producer has left in it
    if not (isinstance(item.get("queue"), str) and item["queue"]):
        item["queue"] = "default"
    payload.identify(item, new_jid(now), now, config.timestamps)
    if take_back:
        item = payload.taken_back(item)
    prepared = finish(config, item, now, is_new=False)
    return Verdict.DROP if prepared is None else Enqueued(prepared.queue, prepared.raw)


def changed(raw: bytes, fields: Mapping[str, Any]) -> bytes:
    """Return a payload with some fields changed (None: taken out), checked as at a push.

    Raises:
        InvalidArguments, InvalidJob: it would be no valid job.
        MalformedPayload: it is none already.
    """
    before = payload.parse(raw)
    if "jid" in fields and fields["jid"] != before.get("jid"):
        raise InvalidJob("a job keeps its jid, by which its lock, batch and result know it; push another job instead")
    item = resealed({**before, **fields}, before)
    item = {name: value for name, value in item.items() if value is not None or name not in fields}
    for stamp in features.stamps_of(fields):
        if stamp not in fields:
            item.pop(stamp, None)  # it follows from the former value of the option
    payload.validate(item)
    options.check(item)
    for name in fields:
        json.check(item.get(name), name)
    return payload.serialise(item)


def moved_to(stored: Stored, queue: str, enqueued: tuple[float, payload.TimeUnit] | None = None) -> bytes:
    """Return a payload that names another queue, and since when if `enqueued` (epoch seconds, unit) is given.

    Bytes that are no job stay as they are.
    """
    if stored.item is None:
        return stored.raw
    item = stored.item | {"queue": queue}
    return payload.serialise(item if enqueued is None else payload.queued(item, *enqueued))
