"""Celery with a Redis backend: layers as one canvas, a chain of groups, or as chords each of which starts the next.

Celery makes chords of the chain, and each job of a layer carries all later layers in its message: with n layers of n
jobs some n⁴ / 2 signatures, which 100 x 100 is too much for. A chord whose callback makes the next one has no such
cost. Both use lists: a group reads a generator only later, when the loop that made it is over.
"""

import os
from collections.abc import Sequence

from celery import Celery, chain, chord, group

from bench.systems import work

app = Celery(broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(worker_prefetch_multiplier=64, broker_connection_retry_on_startup=True, result_expires=600)
_stamp = app.task(name="stamp")(work.stamp)
_noop = app.task(name="noop")(work.noop)


def one(job: str, _number: int) -> None:
    kind, _, size = job.partition("-")
    count = int(size)
    if kind == "canvas":
        chain(*(group(_jobs(layer, count)) for layer in range(count))).apply_async()
    else:
        _layer(0, count)


@app.task(name="layer")
def _layer(layer: int, count: int) -> None:
    if layer + 1 < count:
        chord(_jobs(layer, count), _layer.si(layer + 1, count)).apply_async()
    else:
        group(_jobs(layer, count)).apply_async()


def _jobs(layer: int, count: int) -> list[object]:
    return [_stamp.si(layer * count + step) for step in range(count)]


def bulk(_job: str, calls: Sequence[Sequence[int]]) -> None:
    for (number,) in calls:
        _noop.delay(number)
