"""The lock of a unique job: identical jobs have the same one."""

from typing import Any

from teep.wire import json, keys, options
from teep.wire.keys import Key
from teep.wire.payload import Item

# The payload's field that names its lock.
FIELD = "unique_lock"

Call = tuple[list[Any], dict[str, Any]]


def of_push(item: Item, now: float, call: Call) -> tuple[str, int] | None:
    """Return the lock of a pushed job: its digest, and after how many milliseconds it expires.

    That is `unique_for` seconds after the job is due. `call` has the arguments that identify the job.
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
