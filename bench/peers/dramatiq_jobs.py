"""Dramatiq: its default middleware, no results. It has no bulk push."""

import os
from collections.abc import Sequence

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.systems import work

broker = RedisBroker(url=os.environ["REDIS_URL"])
dramatiq.set_broker(broker)
_jobs = {job.__name__: dramatiq.actor(job) for job in work.JOBS}


def one(job: str, *args: int) -> None:
    _jobs[job].send(*args)


def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    for args in calls:
        one(job, *args)
