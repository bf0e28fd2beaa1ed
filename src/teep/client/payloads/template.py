"""The bytes that the payloads of many jobs share, written once; the parts that differ are put between them.

They are the bytes that `push.finish` makes of each job by itself.
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from teep.client.delivery import blocks
from teep.client.payloads.push import is_transactional, name_in, new_jid
from teep.config import Config
from teep.errors import InvalidArguments
from teep.store import features
from teep.store.jobs.pushes import Push
from teep.wire import json, payload
from teep.wire.payload import Item

# Stands for the parts that differ while the rest is written; no field can hold it by chance.
_MARK = os.urandom(16).hex()


def shared(item: Item, names: Sequence[str]) -> list[bytes]:
    """Return the JSON before, between and after the values of these fields, which the item has in this order."""
    return payload.serialise(item | dict.fromkeys(names, _MARK)).split(json.dumps(_MARK))


class Template:
    """A job as it is pushed with nothing but arguments, for one configuration.

    Args:
        config: the configuration; its middleware may change meanwhile, all else is fixed.
        name: the job's class on the wire.
        options: its options, as they go into its payload.
    """

    __slots__ = ("_bytes", "_fields", "_is_encrypted", "_is_transactional", "_queue", "config", "name")

    def __init__(self, config: Config, name: str, options: Mapping[str, Any]) -> None:
        self.config = config
        self.name = name
        unit = config.timestamps
        given = {**options, "args": [], "class": name}
        item = payload.queued(payload.normalise(given, config.job_defaults, "", 0.0, unit), 0.0, unit)
        self._queue: str = item["queue"]
        self._fields = item.keys()
        self._is_encrypted = bool(item.get("encrypt"))
        self._is_transactional = is_transactional(config, given)
        before, to_jid, to_created, to_enqueued, after = shared(item, ("args", "jid", "created_at", "enqueued_at"))
        self._bytes = before, to_jid + b'"', b'"' + to_created, to_enqueued, after

    @property
    def holds(self) -> bool:
        """Whether no middleware and no feature looks at each push now."""
        return not (
            self._is_encrypted
            or self.config.client_middleware.entries
            or features.want(self._fields)
            or blocks.is_inside()
        )

    def push(self, args: list[Any]) -> tuple[str, Push]:
        """Return the jid of a new job with these arguments, and its push.

        Raises:
            InvalidArguments: they are not plain JSON.
        """
        try:
            json.check(args, "args")
        except InvalidArguments as error:
            name_in(error, {"class": self.name})
            raise
        now = time.time()
        jid = new_jid(now)
        stamp = json.dumps(payload.stamp(now, self.config.timestamps))
        before, to_jid, to_created, to_enqueued, after = self._bytes
        raw = b"".join((before, json.dumps(args), to_jid, jid.encode(), to_created, stamp, to_enqueued, stamp, after))
        return jid, Push({self._queue: (raw,)}, (), transactional=self._is_transactional)
