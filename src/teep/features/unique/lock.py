"""Which jobs are alike, and the lock that lets only one of them in."""

from typing import Any

from teep.wire import json, keys, options
from teep.wire.keys import Key
from teep.wire.payload import Item

# The payload's field that names its lock.
FIELD = "unique_lock"

Call = tuple[list[Any], dict[str, Any]]


def of_push(item: Item, now: float, call: Call) -> tuple[str, int] | None:
    """Return the lock of a job that is pushed: its digest, and after how many milliseconds it ends by itself.

    That is `unique_for` seconds from when the job is due. `call` is what of its arguments tells it from others.
    """
    seconds = options.seconds(item.get("unique_for"))
    if seconds is None:
        return None
    from hashlib import sha256  # noqa: PLC0415 - brings OpenSSL, which a program that pushes nothing yet does not need

    delay = max(0.0, (item.get("at") or now) - now)
    digest = sha256(json.canonical([item["class"], item["queue"], *call])).hexdigest()
    return digest, int((delay + seconds) * 1000) or 1


def key(digest: str) -> Key:
    """Return the key of a lock."""
    return keys.unique(digest)
