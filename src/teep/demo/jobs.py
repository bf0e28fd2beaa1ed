"""The demo's jobs, as one would write one's own: the workers run them with `teep worker teep.demo.jobs`."""

import asyncio
from pathlib import Path

import teep
from teep.demo import results
from teep.demo.analysis import count

HEAVY, LIGHT = "heavy", "light"
"""The queues that the workers serve."""


def in_an_hour(_count: int, _error: BaseException, _job: dict[str, object]) -> float:
    """Retry in an hour: a file that cannot be parsed will not be better in 15 seconds, the default."""
    return 3600.0


@teep.job(queue=LIGHT, retry=5, retry_in=in_an_hour, tags=["demo"])
def analyse(path: str) -> None:
    """Count the definitions in a Python file; a file that cannot be read or parsed fails the job."""
    results.append(path, count(path))


@teep.job(queue=LIGHT, retry=5, retry_in=in_an_hour, tags=["demo"])
async def analyse_async(path: str) -> None:
    """The same as a coroutine: the parsing, which would hold up the others, goes to a thread."""
    counts = await asyncio.to_thread(count, path)
    results.append(path, counts)


@teep.job(queue=LIGHT, retry=False)
async def watch(path: str) -> None:
    """Run for as long as a file exists: a job that is still at work when the demo looks."""
    while Path(path).exists():  # noqa: ASYNC110, ASYNC240 - a look costs microseconds, and files tell nobody of their end
        await asyncio.sleep(0.05)


@teep.job(queue="orders", encrypt=True)
def charge(customer: str, card: str) -> None:
    """Show how a secret lies in Redis. No worker of the demo serves the queue."""


@teep.job(queue=LIGHT)
def step(number: int) -> None:
    """Do nothing, as one of many in a batch."""


@teep.job(queue=LIGHT)
def celebrate(bid: str) -> None:
    """Do nothing, when all jobs of a batch are over."""


@teep.job(queue=LIGHT)
def tick() -> None:
    """Do nothing, each second."""


@teep.job(queue=LIGHT, limit=teep.limits.window("demo", 5, per="second"))
def call(number: int) -> None:
    """Do nothing, five times a second at most."""
