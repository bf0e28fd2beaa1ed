"""The decorator of periodic jobs."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, Unpack

from teep.config import periodic as declaring
from teep.config.periodic import How, HowOptions
from teep.errors import InvalidType

T = TypeVar("T")


def periodic(
    schedule: str,
    *,
    name: str | None = None,
    args: Sequence[Any] = (),
    **how: Unpack[HowOptions],
) -> Callable[[T], T]:
    """Have a job pushed at the ticks of a schedule. It stands above `@teep.job`, and may be there several times.

    Args:
        schedule: a cron expression of five fields, or six with seconds in front; `@hourly`, `@daily`, `@weekly`,
            `@monthly`, `@yearly`; `@every 10m`. `H` in a field is a value of the entry's own, for spreading.
        name: of the entry; default the job's, so only one schedule of a job needs none.
        args: the arguments that the job is pushed with.
        tz: the time zone of the schedule, such as "Europe/Prague"; default UTC.
        catch_up: for ticks that were missed, as no worker ran: "latest": the newest of them is fired; "all": the
            newest hundred are; "none": none is. Default "latest".
        grace: the seconds after which a missed tick is not fired any more; default 3600.
        overlap: "skip": a tick is passed over while the job of the last one waits, runs or is retried. Default
            "allow".
        jitter: the seconds by which a job may be delayed, each time by another part of them; default 0.
        description: shown with the entry.

    Raises:
        InvalidSchedule: it never fires or cannot be read, there is no such time zone, or another entry has the name.
        InvalidType: this is no job.
        InvalidJob, InvalidArguments: the job cannot be pushed like this.
    """
    fired = How.of(how)

    def decorate(job: T) -> T:
        if not hasattr(job, "to_payload"):
            raise InvalidType(f"{job!r:.200} is no job; @teep.periodic stands above @teep.job")
        entry = declaring.entry_of(schedule, declaring.payload_of(job, args), fired, name)
        declaring.declare(entry, job)
        return job

    return decorate
