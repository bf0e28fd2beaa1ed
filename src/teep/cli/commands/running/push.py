"""`teep push`: one job, by its name and arguments."""

import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from teep.cli.command import option
from teep.cli.commands.running.names import Args, Name, find
from teep.cli.endings import DONE, nothing
from teep.cli.options import Looking
from teep.cli.printing import print_json
from teep.cli.selecting.completing import complete_queue
from teep.cli.showing.spans import stamp
from teep.cli.showing.values import read
from teep.errors import InvalidValue, TeepError
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.config import Config

Queue = Annotated[
    str | None,
    option("--queue", "-q", metavar="NAME", shell_complete=complete_queue, help="Default: that of the job."),
]
In = Annotated[
    str | None, option("--in", metavar="SPAN", help="Not before this time is over, such as 90s, 1h or 2d.")
]
At = Annotated[
    str | None, option("--at", metavar="TIME", help="Not before 2030-01-31T08:00, local time, or epoch seconds.")
]
Tag = Annotated[tuple[str, ...], option("--tag", metavar="TAG", help="A tag of the job; may be given again.")]


@dataclass(frozen=True, eq=False, repr=False)
class PushFlags(Looking):
    """Which job, with what, to where, and when."""

    name: Name = ""
    args: Args = ()
    queue: Queue = None
    delay: In = None
    at: At = None
    tags: Tag = ()


def push(flags: PushFlags) -> int:
    """Push a job, with the options of its definition. One that this program does not have is pushed as it is.

    Example: [bold]teep push SomeRubyWorker 42 eu '{"deep": true}' --queue low --in 10m[/bold]
    """
    from teep.client import Client

    config = flags.with_jobs()
    known = find(flags.name)
    args = list(map(read, flags.args))
    item: dict[str, Any] = {"class": flags.name, "args": args} if known is None else known.to_payload(tuple(args), {})
    item.update(_options(flags))
    jid = Client(config).push(item)
    if jid is None:
        return nothing("Nothing was pushed: a middleware stopped the job, or one like it has the lock.")
    queue = _queue_of(item, config)
    if flags.as_json:
        told = {"jid": jid, "class": flags.name, "queue": queue, "at": stamp(_moment(item))}
        print_json({**told, "known": known is not None})
        return DONE
    if known is None:
        sentence = f"teep finds no job {on_one_line(flags.name)} here, so it is pushed as a Ruby class would be."
        print(sentence, file=sys.stderr)
    when = "" if (moment := _moment(item)) is None else f", for {moment.astimezone():%Y-%m-%d %H:%M:%S}"
    print(f"Pushed {on_one_line(flags.name)} to {on_one_line(queue)} as {jid}{when}.")
    return DONE


def _options(flags: PushFlags) -> dict[str, Any]:
    if flags.delay is not None and flags.at is not None:
        raise InvalidValue("give --in or --at, not both")
    found: dict[str, Any] = {}
    if flags.queue is not None:
        found["queue"] = flags.queue
    if flags.tags:
        found["tags"] = list(flags.tags)
    if flags.delay is not None:
        found["at"] = time.time() + _seconds(flags.delay)
    if flags.at is not None:
        found["at"] = _epoch(flags.at)
    return found


def _seconds(span: str) -> float:
    from teep.api.jobs.selection import words

    try:
        return words.seconds(span)
    except TeepError as error:
        raise InvalidValue(f"--in cannot be {on_one_line(span)!r}: {error}") from error


def _epoch(time: str) -> float:
    try:
        return float(time)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidValue(
            f"--at takes a time such as 2030-01-31T08:00, or epoch seconds, not {on_one_line(time)!r}"
        ) from error


def _queue_of(item: dict[str, Any], config: "Config") -> str:
    return str(item.get("queue") or config.job_defaults.get("queue") or "default")


def _moment(item: dict[str, Any]) -> datetime | None:
    from datetime import UTC

    return datetime.fromtimestamp(item["at"], UTC) if "at" in item else None
