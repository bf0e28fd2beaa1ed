"""`teep pause` and `teep unpause`: stop and go on with queues."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from teep.cli.command import argument, option
from teep.cli.endings import DONE, nothing
from teep.cli.options import Looking
from teep.cli.printing import print_json
from teep.cli.selecting.completing import complete_queue
from teep.cli.selecting.queues import queue_names, unknown_queue
from teep.errors import InvalidValue
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api import Queue

Queues = Annotated[
    tuple[str, ...],
    argument(metavar="[QUEUE]...", shell_complete=complete_queue, help="The names of queues."),
]
Every = Annotated[bool, option("--all", help="Every queue that there is.")]


@dataclass(frozen=True, eq=False, repr=False)
class PauseFlags(Looking):
    """Which queues."""

    queues: Queues = ()
    all: Every = False


def pause(flags: PauseFlags) -> int:
    """Stop workers from taking jobs out of queues, within a second. Pushes go on, and so do jobs that run.

    Example: [bold]teep pause default[/bold]
    """
    return _each(flags, lambda queue: queue.pause(), to=True)


def unpause(flags: PauseFlags) -> int:
    """Let workers take jobs out of queues again.

    Example: [bold]teep unpause default[/bold]
    """
    return _each(flags, lambda queue: queue.unpause(), to=False)


def _each(flags: PauseFlags, act: "Callable[[Queue], None]", *, to: bool) -> int:
    from teep.api import Queue

    if bool(flags.queues) is flags.all:
        raise InvalidValue("give the names of queues, or --all")
    config = flags.configured()
    known = queue_names(config)
    queues = [Queue(name, config=config) for name in (known if flags.all else flags.queues)]
    # One that was emptied may still be paused.
    missing = [queue.name for queue in queues if queue.name not in known and not queue.paused]
    if missing or not queues:
        return nothing(unknown_queue(missing[0], known) if missing else "There are no queues.")
    for queue in queues:
        changed = queue.paused is not to
        act(queue)
        if flags.as_json:
            print_json({"queue": queue.name, "paused": to, "changed": changed, "size": queue.size()})
        else:
            print(f"{on_one_line(queue.name)} {_words(to=to, changed=changed)}: {queue.size():,} jobs wait in it.")
    return DONE


def _words(*, to: bool, changed: bool) -> str:
    return f"{'is paused' if to else 'goes on'}{'' if changed else ' already'}"
