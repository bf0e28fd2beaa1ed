"""Samples of a fleet at any time, as its leader would add them to the history."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import teep
from teep.config import driver_for
from teep.store.statistics import history
from teep.store.statistics.history import Queued, Sample
from teep.wire import commands, keys
from teep.wire.scripts.fence import Fence

LEADER = "host:1:0123456789ab"


def sampled(
    config: teep.Config,
    at: datetime,
    queues: Mapping[str, tuple[int, float]] | None = None,
    gauges: Mapping[str, float] | None = None,
    **values: Any,
) -> None:
    """Let the leader sample; what is not given is 0, and a queue is its size and its latency."""
    driver, fence = driver_for(config), Fence(keys.leader(), LEADER)
    driver.execute(commands.mset({fence.lease: fence.identity}))
    usual = dict.fromkeys(("processed", "failed", "scheduled", "retries", "dead", "busy", "enqueued"), 0)
    of_queues = {name: Queued(*queue) for name, queue in (queues or {}).items()}
    sample = Sample(at.timestamp(), queues=of_queues, **{**usual, **values})
    assert driver.run(history.add(fence, sample, gauges or {}))
