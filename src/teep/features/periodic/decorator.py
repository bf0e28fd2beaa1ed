"""The decorator of periodic jobs."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from teep.config import periodic as declaring
from teep.config.periodic import How
from teep.errors import InvalidType
from teep.store.periodic.entries import CatchUp, Overlap

T = TypeVar("T")


def periodic(
    schedule: str,
    *,
    name: str | None = None,
    args: Sequence[Any] = (),
    tz: str | None = None,
    catch_up: CatchUp = "latest",
    grace: float = 3600.0,
    overlap: Overlap = "allow",
    jitter: float = 0.0,
    description: str = "",
) -> Callable[[T], T]:
    """Have a job pushed at the ticks of a schedule. It stands above `@teep.job`, and may be there several times.

    Args:
        schedule: a cron expression of five fields, or six with seconds in front; `@hourly`, `@daily`, `@weekly`,
            `@monthly`, `@yearly`; `@every 10m`. `H` in a field is a value of the entry's own, for spreading.
        name: of the entry; default the job's, so only one schedule of a job needs none.
        args: the arguments that the job is pushed with.
        tz: the time zone of the schedule, such as "Europe/Prague"; default UTC.
        catch_up: for ticks that were missed, as no worker ran: "latest": the newest of them is fired; "all": the
            newest hundred are; "none": none is.
        grace: the seconds after which a missed tick is not fired any more.
        overlap: "skip": a tick is passed over while the job of the last one waits, runs or is retried.
        jitter: the seconds by which a job may be delayed, each time by another part of them.
        description: shown with the entry.

    Raises:
        InvalidSchedule: it never fires or cannot be read, there is no such time zone, or another entry has the name.
        InvalidType: this is no job.
        InvalidJob, InvalidArguments: the job cannot be pushed like this.
    """
    how = How(tz, catch_up, grace, overlap, jitter, description)

    def decorate(job: T) -> T:
        if not hasattr(job, "to_payload"):
            raise InvalidType(f"{job!r:.200} is no job; @teep.periodic stands above @teep.job")
        entry = declaring.entry_of(schedule, declaring.payload_of(job, args), how, name)
        declaring.declare(entry, job)
        return job

    return decorate
