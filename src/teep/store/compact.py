"""The jobs of a batch that it knows by an index: each takes a bit while it is pending, in place of a jid in a set.

1. The jobs of a block that is sent in several steps have the index as `bix` in their payloads.
2. A step pushes a `Row` of them. Its bits begin a byte, so that no other step has a part in it.
3. An end brings the index to the batch. See `wire/lua/lib/compact.lua`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from teep.wire import commands, keys
from teep.wire.commands import score
from teep.wire.scripts import batches
from teep.wire.scripts.step import Part, Parts, Step

INDEX = "bix"
"""The field of a payload."""

_BYTE = 8
_LAST = (1 << 32) - 1  # of the bits that a string of Redis holds


def index_of(item: Mapping[str, Any]) -> int | None:
    """Return the index of a job in its batch, or None if that knows it by its jid."""
    index = item.get(INDEX)
    return index if type(index) is int and 0 <= index <= _LAST else None


def written(raws: Sequence[bytes], first: int) -> list[bytes]:
    """Return the payloads of jobs with their indices, which follow each other."""
    return [b'%s,"bix":%d}' % (raw[:-1], index) for index, raw in enumerate(raws, first)]


def room(jobs: int) -> int:
    """Return how many indices a row of jobs takes."""
    return -(-jobs // _BYTE) * _BYTE


def joining(bid: str, first: int, jobs: int = 1) -> Parts:
    """Return the parts by which jobs become some of a batch, if it takes more."""
    key = keys.batch(bid)
    return Parts((Part("batch.open", key),), (Part("compact.fill", key, (first, jobs)),))


class Row(NamedTuple):
    """Jobs that one step pushes: to a queue, or if they have times (epoch seconds), into the scheduled set.

    Their indices follow each other from `first` on, a multiple of 8.
    """

    bid: str
    first: int
    jobs: Sequence[bytes]
    queue: str = ""
    times: Sequence[float] = ()

    @classmethod
    def of(cls, bid: str, first: int, raws: Sequence[bytes], queue: str = "", times: Sequence[float] = ()) -> "Row":
        """Return these jobs, with the indices in their payloads."""
        return cls(bid, first, written(raws, first), queue, times)

    def step(self) -> Step:
        """Return the step that pushes all of them, or none if the batch takes no more jobs."""
        return Step(joining(self.bid, self.first, len(self.jobs)).joined(Parts(effects=self._pushed())))

    def _pushed(self) -> tuple[Part, ...]:
        if self.times:
            scored = [word for at, raw in zip(self.times, self.jobs, strict=True) for word in (score(at), raw)]
            return (Part("compact.schedule", keys.schedule(), (len(scored), *scored)),)
        listed = Part("SADD", keys.queues(), (self.queue,))
        return listed, Part("compact.push", keys.queue(self.queue), (len(self.jobs), *self.jobs))


async def reserve(bid: str, count: int) -> int | None:
    """Return the first of so many indices for new jobs, or None if there is no such batch. One round trip."""
    return await batches.reserve(keys.batch(bid), count)


async def pending(bid: str) -> bytearray:
    """Return the bits of a batch, the highest of a byte first. One round trip."""
    return bytearray(await commands.get(keys.batch_bits(bid)) or b"")


def indices(bits: bytes | bytearray) -> list[int]:
    """Return which bits are set."""
    return [at * _BYTE + bit for at, byte in enumerate(bits) for bit in range(_BYTE) if byte & (128 >> bit)]


def clear(bits: bytearray, index: int) -> None:
    """Clear a bit, if there is one."""
    at, bit = divmod(index, _BYTE)
    if at < len(bits):
        bits[at] &= 255 ^ (128 >> bit)
