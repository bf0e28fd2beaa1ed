"""Celery with a Redis backend: groups one after the other in a chain, which it makes chords of."""

import os
from collections.abc import Sequence

from celery import Celery, chain, group

from bench.systems import work

app = Celery(broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(worker_prefetch_multiplier=64, broker_connection_retry_on_startup=True, result_expires=600)
_stamp = app.task(name="stamp")(work.stamp)
_noop = app.task(name="noop")(work.noop)


def one(job: str, _number: int) -> None:
    count = int(job.removeprefix("layers-"))
    # Lists, since a group reads a generator later, when `layer` is the last one for all of them.
    layers = [group([_stamp.si(layer * count + step) for step in range(count)]) for layer in range(count)]
    chain(*layers).apply_async()


def bulk(_job: str, calls: Sequence[Sequence[int]]) -> None:
    for (number,) in calls:
        _noop.delay(number)
