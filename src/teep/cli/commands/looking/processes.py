"""`teep processes`: the processes of the fleet and what runs in them; and to quiet, stop or dump some."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import click

from teep.cli.command import argument
from teep.cli.endings import DONE, nothing
from teep.cli.options import Looking
from teep.cli.printing import Column, print_json, print_lines, show, table
from teep.cli.showing.jobs import ARGUMENTS, CLASS, JID, arguments_of
from teep.cli.showing.spans import span, stamp
from teep.errors import InvalidValue
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api import JobRecord, Process, Work
    from teep.api.fleet.fleet import FleetState

    State: TypeAlias = FleetState[Process, JobRecord]

_VERBS = ("list", "quiet", "stop", "dump")
_DONE = {
    "quiet": "takes no more jobs",
    "stop": "finishes its jobs, and ends",
    "dump": "logs what each of its threads does",
}

Verb = Annotated[
    str,
    argument(
        type=click.Choice(_VERBS), required=False, default="list", help="What to do; without one, they are listed."
    ),
]
Ids = Annotated[
    tuple[str, ...],
    argument(metavar="[ID]...", help="The processes to do it to: their names, or how these begin."),
]

_PROCESSES = [
    Column("process", style="bold", is_long=True), Column("busy", is_figure=True), Column("memory", is_figure=True),
    Column("up", is_figure=True), Column("queues", is_long=True), Column("state", is_long=True, style="yellow"),
]  # fmt: skip
_WORK = [Column("runs for", is_figure=True), JID, CLASS, ARGUMENTS, Column("process", is_long=True)]


@dataclass(frozen=True, eq=False, repr=False)
class ProcessesFlags(Looking):
    """What to do, and to which processes."""

    verb: Verb = "list"
    ids: Ids = ()


def processes(flags: ProcessesFlags) -> int:
    """Show the processes and the jobs that run in them, the longest-running first, as of their last heartbeats.

    With a verb, processes are told to take no more jobs (quiet), to finish their jobs and end (stop), or to log what
    their threads do (dump).

    Example: [bold]teep processes[/bold]
    """
    from teep.api.fleet import Fleet

    if flags.verb != "list" and not flags.ids:
        raise InvalidValue(f"give the names of the processes to {flags.verb}; teep processes shows them")
    if flags.verb == "list" and flags.ids:
        raise InvalidValue("give no names to list them all; to act on some: quiet, stop or dump")
    state = Fleet(config=flags.configured()).state(clean=False)
    if flags.verb != "list":
        return _act(flags, state.processes)
    if flags.as_json:
        print_lines(_told(process, state) for process in state.processes)
    elif not state.processes:
        print("No process runs: start one with teep worker.")
    else:
        work = [_work_row(work) for work in state.work]
        show(table(_PROCESSES, [_row(process, state) for process in state.processes]))
        show(table(_WORK, work) if work else "No job runs.")
    return DONE


def _act(flags: ProcessesFlags, known: "Sequence[Process]") -> int:
    found = {each: _meant(each, known) for each in flags.ids}
    if missing := [each for each, process in found.items() if process is None]:
        return nothing(f"There is no process {on_one_line(missing[0])}; teep processes shows them.")
    for process in filter(None, found.values()):
        {"quiet": process.quiet, "stop": process.stop, "dump": process.dump_threads}[flags.verb]()
        if flags.as_json:
            print_json({"process": process.identity, "told": flags.verb})
        else:
            print(f"{on_one_line(process.identity)} {_DONE[flags.verb]}.")
    return DONE


def _meant(name: str, known: "Sequence[Process]") -> "Process | None":
    """Return the process of a name, or of the beginning of one.

    Raises:
        InvalidValue: the names of several begin so.
    """
    exact = [process for process in known if process.identity == name]
    found = exact or [process for process in known if process.identity.startswith(name)]
    if len(found) > 1:
        names = ", ".join(on_one_line(process.identity) for process in found)
        raise InvalidValue(f"{on_one_line(name)} may be {names}")
    return found[0] if found else None


def _row(process: "Process", state: "State") -> tuple[str, ...]:
    return (
        process.identity,
        f"{process.busy:,} of {process.concurrency:,}",
        f"{process.rss / 1024:,.0f} MB",
        span((datetime.now(UTC) - process.started_at).total_seconds()),
        ", ".join(process.queues),
        _state(process, state),
    )


def _state(process: "Process", state: "State") -> str:
    words = ["leads"] * (process.identity in state.leaders) + ["quiet"] * process.stopping
    return ", ".join([*words, *["embedded"] * process.embedded])


def _work_row(work: "Work[JobRecord]") -> tuple[str, ...]:
    return span(work.elapsed), work.job.jid, work.job.display_class, arguments_of(work.job), work.process_id


def _told(process: "Process", state: "State") -> dict[str, Any]:
    return {
        "process": process.identity, "tag": process.tag, "busy": process.busy, "concurrency": process.concurrency,
        "queues": process.queues, "rss_kb": process.rss, "started_at": stamp(process.started_at),
        "beat": stamp(process.beat), "quiet": process.stopping, "embedded": process.embedded,
        "leads": process.identity in state.leaders, "version": process.version,
        "jobs": [_running(work) for work in state.work if work.process_id == process.identity],
    }  # fmt: skip


def _running(work: "Work[JobRecord]") -> dict[str, Any]:
    job, progress = work.job, work.progress
    return {
        "jid": job.jid, "class": job.display_class, "args": job.display_args, "queue": work.queue,
        "thread": work.thread_id, "seconds": work.elapsed, "progress": None if progress is None else progress.done,
    }  # fmt: skip
