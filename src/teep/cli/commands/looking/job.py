"""`teep job`: everything about one job, wherever it is; and a change of its payload."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from teep.cli.command import argument, option
from teep.cli.endings import DONE, NOTHING, nothing
from teep.cli.options import Looking
from teep.cli.printing import encodable, print_json, print_table
from teep.cli.showing.jobs import arguments_of, error_of, time_of, told, tries_of
from teep.cli.showing.spans import ago, shown, span, until
from teep.cli.showing.values import read
from teep.errors import InvalidValue
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api import JobRecord, Located, SortedEntry, Work
    from teep.config import Config

Jid = Annotated[str, argument(metavar="JID", help="The job.")]
Raw = Annotated[bool, option("--raw", help="Print its payload, the very bytes that lie in Redis.")]
Edit = Annotated[
    tuple[str, ...],
    option(
        "--edit",
        metavar="FIELD=JSON",
        help="Change a field of its payload, such as 'args=[1, \"eu\"]'; null takes it out; may be given again.",
    ),
]

# The set that a place is, and what its score says.
_SETS = {"scheduled": ("scheduled", "due"), "retrying": ("retries", "next try"), "dead": ("dead", "died")}


@dataclass(frozen=True, eq=False, repr=False)
class JobFlags(Looking):
    """Which job, and what to show or change."""

    jid: Jid = ""
    raw: Raw = False
    edit: Edit = ()


def job(flags: JobFlags) -> int:
    """Show everything about one job, wherever it is: in a queue, in a set, or running; its result, if it is over.

    With --edit it is changed where it lies, in one atomic step; a job that runs cannot be.

    Example: [bold]teep job 01a22d40b2570e0b29c7e22a[/bold]
    """
    from teep.api import find_job

    config = flags.configured()
    found = find_job(flags.jid, config=config)
    if found is None:
        return _without(flags, config)
    if flags.edit:
        return _change(flags, found)
    if flags.raw:
        sys.stdout.buffer.write(found.record.raw + b"\n")
        return DONE
    if flags.as_json:
        print_json({**told(found.record, found.where), "payload": _payload(found.record)})
        return DONE
    print_table(["job", on_one_line(flags.jid)], list(_rows(found, config)), of_texts=True)
    for line in found.record.error_backtrace or ():
        print(on_one_line(line))
    return DONE


def _without(flags: JobFlags, config: "Config") -> int:
    """Tell what is known of a job that is in no queue and no set: what has become of it, if it kept that."""
    from teep.api.results import Result

    status = Result(flags.jid, config=config).status
    if status == "unknown":
        return nothing(f"Nothing is known of {on_one_line(flags.jid)}: it is over, was deleted, or was never pushed.")
    if flags.raw or flags.edit:
        return nothing(f"{on_one_line(flags.jid)} is over ({status}), so it has no payload any more.")
    if flags.as_json:
        print_json({"jid": flags.jid, "where": None, "status": status})
    else:
        print(f"{on_one_line(flags.jid)} is over ({status}); teep result shows what it returned.")
    return DONE


def _change(flags: JobFlags, found: "Located") -> int:
    fields = dict(map(_field, flags.edit))
    if found.where == "working":
        return nothing(f"{on_one_line(flags.jid)} runs, so it cannot be changed.")
    done = found.record.update(**fields)
    if flags.as_json:
        print_json({"jid": flags.jid, "where": found.where, "changed": done})
        return DONE if done else NOTHING
    if not done:
        return nothing(f"{on_one_line(flags.jid)} has gone elsewhere meanwhile, and is as it was.")
    print(f"Changed {', '.join(map(on_one_line, fields))} of {on_one_line(flags.jid)}, which is {found.where}.")
    return DONE


def _field(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not (name and equals):
        raise InvalidValue(f"--edit takes FIELD=JSON, such as 'args=[1]', not {on_one_line(word)!r}")
    return name, read(value)


def _rows(found: "Located", config: "Config") -> Iterator[tuple[str, str]]:
    record = found.record
    yield "where", _place(found)
    yield from _running(record.jid, config) if found.where == "working" else ()
    yield "class", record.display_class
    yield "arguments", arguments_of(record)
    yield from ((name, value) for name, value in (
        ("tags", ", ".join(map(str, record.tags))), ("error", error_of(record)), ("tries", tries_of(record)),
        ("batch", record.bid or ""), ("lock", _lock(record)),
    ) if value)  # fmt: skip
    for name in ("created_at", "enqueued_at", "failed_at", "retried_at"):
        if (moment := getattr(record, name)) is not None:
            yield name.removesuffix("_at"), f"{shown(moment)}, {ago(moment)}"


def _place(found: "Located") -> str:
    record = found.record
    if found.where not in _SETS:
        return f"{found.where}, queue {record.queue}"
    name, says = _SETS[found.where]
    moment = time_of(record)
    when = ago(moment) if found.where == "dead" else until(moment)
    return f"{name}, {says} {when} ({shown(moment)}), queue {record.queue}"


def _running(jid: str, config: "Config") -> Iterator[tuple[str, str]]:
    from teep.api import WorkSet

    work: Work[JobRecord] | None = WorkSet(config=config).find_work(jid)
    if work is None:  # the heartbeat that tells of it has not come yet
        return
    yield "runs for", span(work.elapsed)
    yield "process", f"{work.process_id}, thread {work.thread_id}"
    if (progress := work.progress) is not None:
        yield "progress", f"{progress.done:.0%} {progress.note}".strip()


def _lock(record: "JobRecord | SortedEntry") -> str:
    from teep.errors import RedisCommandError

    try:
        lock = record.unique_lock()
    except RedisCommandError:  # what the payload names is no lock
        return ""
    return "" if lock is None else f"held by {lock.holder}"


def _payload(record: "JobRecord | SortedEntry") -> Any:
    """Return its payload as JSON, with every field; a string, if it is none."""
    return record.item or encodable(record.value)
