"""The jobs that are measured: the worker runs them with `teep worker teep.bench.jobs`."""

import teep
from teep.bench import marks

_marks = marks.mapped()
_moments = memoryview(_marks).cast("Q")


@teep.job(retry=False)
def noop(number: int) -> None:
    """Mark that this job runs."""
    _marks[number] += 1


@teep.job(retry=False)
async def noop_async(number: int) -> None:
    """The same as a coroutine."""
    _marks[number] += 1


@teep.job(retry=False)
def stamp(number: int) -> None:
    """Write down when this job runs."""
    _moments[number] = marks.clock()
