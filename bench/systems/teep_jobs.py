"""The no-op jobs for teep: each marks its number."""

import teep
from bench.marks import open_marks

_marks = open_marks()


@teep.job(name="NoopJob")
def noop(number: int) -> None:
    _marks[number] += 1


@teep.job(name="AsyncNoopJob")
async def async_noop(number: int) -> None:
    _marks[number] += 1
