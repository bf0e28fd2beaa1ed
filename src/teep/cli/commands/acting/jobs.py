"""`teep retry`, `kill`, `delete` and `move`: the verbs for many jobs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from teep.cli.command import option
from teep.cli.selecting.acting import Verb, carry_out
from teep.cli.selecting.completing import complete_queue
from teep.cli.selecting.flags import Acting
from teep.errors import InvalidValue
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api import SetSelection
    from teep.cli.selecting.acting import Told
    from teep.cli.selecting.chosen import Selection

To = Annotated[
    str,
    option("--to", metavar="QUEUE", shell_complete=complete_queue, help="The queue that they go to."),
]

_RETRY = Verb(
    "retry",
    "Send {} back to their queues",
    "Sent {} back to their queues",
    "Would send {} back to their queues",
    {"queue": "jobs in a queue wait to run already; retry those of retries, scheduled or dead"},
)
_KILL = Verb(
    "kill",
    "Move {} to the dead set",
    "Moved {} to the dead set",
    "Would move {} to the dead set",
    {"dead": "jobs of dead are dead already; retry or delete them"},
)
_DELETE = Verb("delete", "Delete {} for good", "Deleted {}", "Would delete {}")


@dataclass(frozen=True, eq=False, repr=False)
class MoveFlags(Acting):
    """Which jobs, and where they go."""

    to: To = ""


def retry(flags: Acting) -> int:
    """Send jobs that failed, are dead or scheduled back to their queues now. This uses up no retries.

    Example: [bold]teep retry dead class:Import* error:Timeout --dry-run[/bold]
    """

    def act(chosen: "Selection", told: "Told") -> int:
        some = cast("SetSelection", chosen)
        if flags.words[0] == "scheduled":  # they did not fail, so there is no try to take back
            return some.add_all_to_queue(on_progress=told)
        return some.retry_all(on_progress=told)

    return carry_out(flags, _RETRY, act)


def kill(flags: Acting) -> int:
    """Move jobs to the dead set: they do not run, and stay there to be looked at.

    The dead set keeps the newest 10,000 (dead_max_jobs), and drops the older ones.

    Example: [bold]teep kill retries error:ConnectionError --dry-run[/bold]
    """
    return carry_out(flags, _KILL, lambda chosen, told: chosen.kill_all(on_progress=told))


def delete(flags: Acting) -> int:
    """Delete jobs for good. Kill those that may be wanted again.

    Example: [bold]teep delete queue:default class:resize older:1h --dry-run[/bold]
    """
    return carry_out(flags, _DELETE, lambda chosen, told: chosen.delete_all(on_progress=told))


def move(flags: MoveFlags) -> int:
    """Move jobs to another queue, behind the jobs that wait there.

    Example: [bold]teep move queue:default tag:eu --to low --dry-run[/bold]
    """
    if not flags.to.strip():
        raise InvalidValue("give the name of a queue: --to QUEUE")
    to = on_one_line(flags.to).replace("{", "{{").replace("}", "}}")
    verb = Verb("move", f"Move {{}} to queue {to}", f"Moved {{}} to queue {to}", f"Would move {{}} to queue {to}")
    return carry_out(flags, verb, lambda chosen, told: chosen.move_to(flags.to, on_progress=told))
