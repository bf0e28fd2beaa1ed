"""Plans that only tests need."""

from collections.abc import Mapping, Sequence
from datetime import date

from teep.store import inflight
from teep.wire.scripts import Exchanged


async def exchange(
    identity: str, done: Mapping[str, Sequence[bytes]], queues: Sequence[str], limit: int, day: date
) -> Exchanged:
    """Run `inflight.exchange`, which is a command since the fetcher sends it ahead, where plans are run."""
    return await inflight.exchange(identity, done, queues, limit, day)
