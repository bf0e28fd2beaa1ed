"""How a run ended, for measurements and traces."""

import asyncio
from typing import Literal

from teep.errors import JobCancelled, Shutdown
from teep.job.again import comes_again
from teep.job.context import current_job

Ending = Literal["success", "failure", "interrupted"]


def ending_of(error: BaseException | None) -> Ending:
    """Return how a job's run ended, by the error that it raised; to be called while the job is the current one.

    A run is "interrupted" if its job was cancelled, however it ended then; if a stop of its process cut it short; or
    if it comes again with no attempt used: an iterable job that has made way, one that snoozed or ran into a limit.
    """
    job = current_job()
    if job is not None and job.cancelled:
        return "interrupted"
    if error is None:
        return "interrupted" if job is not None and job.comes_again else "success"
    if job is not None and job.timed_out:
        return "failure"  # an async def job hears of its timeout by a cancellation, too
    interrupted = isinstance(error, (Shutdown, JobCancelled, asyncio.CancelledError)) or (
        job is not None and comes_again(lambda: job.payload, error)
    )
    return "interrupted" if interrupted else "failure"
