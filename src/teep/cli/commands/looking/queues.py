"""`teep queues`: every queue, or what fills one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from teep.cli.command import argument
from teep.cli.endings import DONE, nothing
from teep.cli.options import Looking, Watch
from teep.cli.printing import Column, print_lines, show, table
from teep.cli.selecting.completing import complete_queue
from teep.cli.selecting.queues import queue_names, unknown_queue
from teep.cli.showing.spans import ago, stamp
from teep.cli.showing.watching import look
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api import JobGroups, JobRecord, QueueSummary
    from teep.config import Config

Name = Annotated[
    str | None,
    argument(
        metavar="[NAME]",
        required=False,
        shell_complete=complete_queue,
        help="A queue, to see of which classes its jobs are.",
    ),
]

_QUEUES = [
    Column("queue", style="bold", is_long=True), Column("size", is_figure=True), Column("latency", is_figure=True),
    Column("paused", is_figure=True, style="yellow"),
]  # fmt: skip
_GROUPS = [
    Column("jobs", is_figure=True), Column("share", is_figure=True), Column("class", style="bold cyan", is_long=True),
    Column("error", is_long=True, style="red"), Column("oldest", is_figure=True),
]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class QueuesFlags(Looking):
    """All queues or one, once or again and again."""

    name: Name = None
    watch: Watch = False


def queues(flags: QueuesFlags) -> int:
    """Show every queue: its size, how long its next job has waited, and whether it is paused.

    With a NAME it shows what fills that queue: its jobs by their classes, the largest group first. It takes a second
    a million jobs.

    Example: [bold]teep queues default[/bold]
    """
    config = flags.configured()
    if flags.name is None:
        look(lambda: _read_all(flags, config), again=flags.watch)
        return DONE
    known = queue_names(config)
    if flags.name not in known:
        return nothing(unknown_queue(flags.name, known))
    name = flags.name
    look(lambda: _read_one(flags, name, config), again=flags.watch)
    return DONE


def _read_all(flags: QueuesFlags, config: "Config") -> Callable[[], None]:
    from teep.api import Stats

    found = Stats(config=config).queue_summaries()
    if flags.as_json:
        return lambda: print_lines(summary._asdict() for summary in found)
    if not found:
        return lambda: print("There are no queues: nothing was pushed yet.")
    return lambda: show(table(_QUEUES, map(_row, found)))


def _row(found: "QueueSummary") -> tuple[str, ...]:
    return found.name, f"{found.size:,}", f"{found.latency:,.1f} s", "yes" * found.paused


def _read_one(flags: QueuesFlags, name: str, config: "Config") -> Callable[[], None]:
    from teep.api import Queue, Stats

    summary = Stats(config=config).queue_summary(name)
    groups = Queue(name, config=config).groups()
    if flags.as_json:
        return lambda: print_lines(_told(name, groups))
    paused = " It is paused." if summary.paused else ""
    waited = f"the next one has waited {summary.latency:,.1f} s."
    sentence = f"{on_one_line(name)} holds {summary.size:,} jobs; {waited}{paused}"
    if not groups:
        return lambda: print(f"{on_one_line(name)} is empty.{paused}")
    return lambda: show(sentence, table(_GROUPS, _rows(groups)))


def _rows(groups: "JobGroups[JobRecord]") -> list[tuple[str, ...]]:
    total = sum(group.count for group in groups)
    return [
        (f"{group.count:,}", f"{group.count / total:.0%}", group.klass, group.error_class, ago(group.oldest))
        for group in groups
    ]


def _told(name: str, groups: "JobGroups[JobRecord]") -> list[dict[str, object]]:
    return [
        {
            "queue": name, "class": group.klass, "error_class": group.error_class, "jobs": group.count,
            "oldest": stamp(group.oldest), "newest": stamp(group.newest),
        }
        for group in groups
    ]  # fmt: skip
