"""teep with `def` jobs, and teep's client."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import teep
from bench.systems import work

_jobs = {job.__name__: teep.job(name=job.__name__.capitalize())(job) for job in work.JOBS}


@contextmanager
def session() -> Iterator[None]:
    teep.Queue().size()  # connects, which teep does not before it must
    yield


def one(job: str, *args: int) -> None:
    _jobs[job].perform_async(*args)


def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    _jobs[job].perform_bulk(calls)
