"""Plans that only tests need."""

from collections.abc import Mapping, Sequence
from datetime import date

from teep.store.running import inflight


async def exchange(
    identity: str, done: Mapping[str, Sequence[bytes]], queues: Sequence[str], limit: int, day: date
) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    """Run `inflight.exchange`, which is a command since the fetcher sends it ahead, where plans are run.

    Returns what was reserved, and what was late; nothing may be refused.
    """
    reserved, late, refused = await inflight.exchange(identity, done, queues, limit, day)
    assert refused == {}
    return reserved, late
