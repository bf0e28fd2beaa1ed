"""Unique jobs: which pushes are alike, and the lock that lets only one of them in.

A job's payload carries the digest that names its lock, so that whoever ends the job gives back the very lock that was
taken, also where its queue or its arguments were changed meanwhile.
"""

import hashlib
from typing import Any, NamedTuple

from teep.errors import InvalidJob, MalformedPayload
from teep.wire import json, keys, options, payload
from teep.wire.keys import Key
from teep.wire.payload import Item

_FIELD = "unique_lock"
_NEEDLE = b'"%b"' % _FIELD.encode()


class Lock(NamedTuple):
    """What a job takes with its push: the key, its jid, and after how many milliseconds it ends by itself."""

    key: Key
    jid: str
    milliseconds: int


def locked(item: Item, now: float, call: tuple[list[Any], dict[str, Any]]) -> tuple[Item, Lock | None]:
    """Return a job that is pushed, and the lock that it needs: for `unique_for` seconds from when it is due.

    `call` is what of its arguments tells it from others.

    Raises:
        InvalidJob: it is encrypted. Equal arguments have different envelopes, and a digest of the clear ones in Redis
            would let anyone try out what the secret is.
    """
    seconds = options.seconds(item.get("unique_for"))
    if seconds is None:
        return item, None
    if item.get("encrypt"):
        raise InvalidJob(f"{item['class']} encrypts its last argument, so it cannot be unique; leave out unique_for")
    digest = _digest(item, call)
    delay = max(0.0, (item.get("at") or now) - now)
    return item | {_FIELD: digest}, Lock(keys.unique(digest), item["jid"], int((delay + seconds) * 1000) or 1)


def held(raw: bytes) -> tuple[Key, str] | None:
    """Return the lock (key, jid) that a job in Redis may have, or None. Costs other jobs a search of their bytes."""
    if _NEEDLE not in raw:
        return None
    try:
        item = payload.parse(raw)
    except MalformedPayload:
        return None
    digest, jid = item.get(_FIELD), item.get("jid")
    return (keys.unique(digest), jid) if type(digest) is str and type(jid) is str else None


def _digest(item: Item, call: tuple[list[Any], dict[str, Any]]) -> str:
    return hashlib.sha256(json.canonical([item["class"], item["queue"], *call])).hexdigest()
