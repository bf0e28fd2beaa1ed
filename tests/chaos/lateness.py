"""What must hold of jobs that expire: dropped only if it was too late, and never run when it was."""

from collections.abc import Iterator

from tests.chaos.causes import Causes
from tests.chaos.life import Life

# Seconds between the look at the clock and the run, and by how much pusher and account may differ.
_SLACK = 2.0
_EXACTLY = 0.1


def problems(life: Life, causes: Causes) -> Iterator[str]:
    """Yield what is wrong with one job, by what its worker's clock showed: it jumps by so much, or has not yet."""
    expiry = life.job.expiry
    # An iterable job that has a place is never too late, unless a failover has forgotten the place.
    places: list[float] = []
    for run in life.runs:
        jump = causes.jump(run.pid)
        if run.outcome == "expired":
            if expiry is None or run.start + max(0.0, jump) < expiry - _EXACTLY:
                yield "was dropped as too late, which it was not"
            if any(not causes.failed_over(at, run.start) for at in places):
                yield "was dropped as too late, though it had begun in time"
        elif (
            run.outcome != "skipped"
            and expiry is not None
            and not places
            and run.start + min(0.0, jump) > expiry + _SLACK
        ):
            yield "ran when it was too late"
        places += [step.at for step in run.saved]
