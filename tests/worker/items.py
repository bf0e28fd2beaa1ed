"""An iterable job for worker processes of these tests. It tells of itself in Redis lists."""

import os
import time
from collections.abc import Iterator

import redis

import teep
from teep.job.iterable import iteration

_redis = redis.Redis.from_url(os.environ["REDIS_URL"])
iteration.CHECKPOINT_SECONDS = 0.1  # tests need not wait for five


class Walk(teep.IterableJob, name="walk"):
    """Note each number below `count`, some seconds apart."""

    def build_enumerator(self, count: int, seconds: float, *, cursor: int | None) -> Iterator[tuple[int, int]]:
        _redis.rpush("began", cursor or 0)
        return self.array_enumerator(range(count), cursor=cursor)

    def each_iteration(self, number: int, count: int, seconds: float) -> None:
        time.sleep(seconds)
        _redis.rpush("noted", number)
