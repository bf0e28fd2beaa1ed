"""A bare loop, the least that a reliable worker does; `teep worker` is compared with it."""

from collections.abc import Callable
from datetime import UTC, datetime

from teep.store.running import inflight
from teep.wire import json

_BATCH = 1000
# The name under which its jobs are in flight.
IDENTITY = "bench"


async def consume(queue: str, jobs: int, on_batch: Callable[[int], None]) -> None:
    """Take a number of jobs from a queue, all of which must be there.

    One round trip acknowledges 1,000 jobs, counts them, and reserves the next 1,000; each is decoded, and a function
    called with its arguments. No thread, no middleware, no log, no error handling.
    """
    batch: list[bytes] = []
    done = 0
    today = datetime.now(UTC).date()
    while done < jobs or batch:
        reserved, *_ = await inflight.exchange(IDENTITY, {queue: batch}, [queue], _BATCH, today)
        batch = [raw for _, raw in reserved]
        for raw in batch:
            _noop(*json.loads(raw)["args"])
        done += len(batch)
        on_batch(done)


def _noop(number: int) -> int:
    return number
