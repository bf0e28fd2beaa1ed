"""`teep cancel`: end jobs that wait or run."""

from dataclasses import dataclass
from typing import Annotated

from teep.cli.command import argument
from teep.cli.endings import DONE, NOTHING
from teep.cli.options import Looking
from teep.cli.printing import print_json
from teep.telling import on_one_line

Jids = Annotated[tuple[str, ...], argument(metavar="JID...", required=True, help="The jobs.")]

_SAID = {
    "working": "runs; its process was told to end it",
    "queued": "waited in its queue, and is removed",
    "scheduled": "was scheduled, and is removed",
    "retrying": "waited for its next try, and is removed",
    None: "is not there: it is over, dead, or was never pushed",
}


@dataclass(frozen=True, eq=False, repr=False)
class CancelFlags(Looking):
    """Which jobs."""

    jids: Jids = ()


def cancel(flags: CancelFlags) -> int:
    """Cancel jobs by their jids: those that wait are removed, those that run are interrupted within two seconds.

    A cancelled job is neither retried nor dead. Jobs that run at a Ruby process go on, unless they are iterable.

    Example: [bold]teep cancel 01a22d40b2570e0b29c7e22a[/bold]
    """
    from teep.client import Client

    client = Client(flags.configured())
    found = {jid: client.cancel(jid) for jid in dict.fromkeys(flags.jids)}
    for jid, where in found.items():
        if flags.as_json:
            print_json({"jid": jid, "was": where})
        else:
            print(f"{on_one_line(jid)} {_SAID[where]}.")
    return DONE if any(found.values()) else NOTHING
