"""Celery: no results, acknowledged early as by default, 64 jobs prefetched a slot. Bulk: groups of 1,000."""

import os
from collections.abc import Sequence

from celery import Celery, group

from bench.systems import work

app = Celery(broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=64, broker_connection_retry_on_startup=True)
_jobs = {job.__name__: app.task(name=job.__name__)(job) for job in work.JOBS}


def one(job: str, *args: int) -> None:
    _jobs[job].delay(*args)


def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    for start in range(0, len(calls), 1000):
        group(_jobs[job].s(*args) for args in calls[start : start + 1000]).apply_async()
