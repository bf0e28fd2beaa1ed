"""The barest client of Sidekiq's format: LPUSH on a raw connection, up to 1,000 jobs at a time."""

from collections.abc import Sequence

import msgspec

from bench.systems.wire import Wire

_QUEUE = b"queue:default"
_SLICE = 1000
_wire = Wire()


def one(job: str, *args: int) -> None:
    _wire.call(b"LPUSH", _QUEUE, _payload(job, args))


def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    _wire.call(b"SADD", b"queues", b"default")
    for start in range(0, len(calls), _SLICE):
        _wire.call(b"LPUSH", _QUEUE, *(_payload(job, args) for args in calls[start : start + _SLICE]))


def _payload(job: str, args: Sequence[int]) -> bytes:
    """The fields that Sidekiq itself writes, in its order."""
    return msgspec.json.encode(
        {
            "retry": True,
            "queue": "default",
            "class": job.capitalize(),
            "args": args,
            "jid": f"{args[0]:024x}",
            "created_at": 1770000000.123456,
            "enqueued_at": 1770000000.123567,
        }
    )
