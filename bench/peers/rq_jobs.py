"""RQ: no results kept. Bulk: `enqueue_many` of 1,000."""

import os
from collections.abc import Sequence

from redis import Redis
from rq import Queue

_queue = Queue("default", connection=Redis.from_url(os.environ["REDIS_URL"]))


def one(job: str, *args: int) -> None:
    _queue.enqueue(f"bench.systems.work.{job}", args=args, result_ttl=0)


def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    name = f"bench.systems.work.{job}"
    for start in range(0, len(calls), 1000):
        _queue.enqueue_many(
            [Queue.prepare_data(name, args=args, result_ttl=0) for args in calls[start : start + 1000]]
        )
