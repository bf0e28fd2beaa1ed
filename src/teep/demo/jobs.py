"""The demo's jobs, as one would write one's own: the worker runs them with `teep worker teep.demo.jobs`."""

import asyncio
from pathlib import Path

import teep
from teep.demo import results
from teep.demo.analysis import count


def in_an_hour(_count: int, _error: BaseException, _job: dict[str, object]) -> float:
    """Retry in an hour: a file that cannot be parsed will not be better in 15 seconds, the default."""
    return 3600.0


@teep.job(queue="light", retry=5, retry_in=in_an_hour, tags=["demo"])
def analyse(path: str) -> None:
    """Count the definitions in a Python file; a file that cannot be read or parsed fails the job."""
    results.append(path, count(path))


@teep.job(queue="light", retry=5, retry_in=in_an_hour, tags=["demo"])
async def analyse_async(path: str) -> None:
    """The same as a coroutine: the parsing, which would hold up the others, goes to a thread."""
    counts = await asyncio.to_thread(count, path)
    results.append(path, counts)


@teep.job(queue="light", retry=False)
async def watch(path: str) -> None:
    """Run for as long as a file exists: a job that is still at work when the tour looks."""
    while Path(path).exists():  # noqa: ASYNC110, ASYNC240 - a look costs microseconds, and files tell nobody of their end
        await asyncio.sleep(0.05)
