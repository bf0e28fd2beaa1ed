"""Huey: a blocking pop, no results. It has no bulk push."""

import os
from collections.abc import Sequence

from huey import RedisHuey

from bench.systems import work

huey = RedisHuey("bench", url=os.environ["REDIS_URL"], blocking=True, results=False)
_jobs = {job.__name__: huey.task()(job) for job in work.JOBS}


def one(job: str, *args: int) -> None:
    _jobs[job](*args)


def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    for args in calls:
        one(job, *args)
