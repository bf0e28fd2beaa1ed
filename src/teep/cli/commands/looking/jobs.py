"""`teep jobs`: the jobs of a queue or a set."""

from dataclasses import dataclass
from typing import Annotated

from teep.cli.command import option
from teep.cli.endings import DONE, NOTHING, nothing
from teep.cli.printing import print_json, print_lines, show, table
from teep.cli.selecting.acting import counted
from teep.cli.selecting.chosen import choose
from teep.cli.selecting.flags import Selecting
from teep.cli.showing.jobs import COLUMNS, row, told

Count = Annotated[bool, option("--count", help="Only say how many there are.")]

_USUAL = 25
"""Jobs that are listed without --limit."""


@dataclass(frozen=True, eq=False, repr=False)
class JobsFlags(Selecting):
    """Which jobs, and whether they are only counted."""

    count: Count = False


def jobs(flags: JobsFlags) -> int:
    """List the jobs of a queue or a set, 25 of them or --limit, those first that run next; in dead the newest.

    A job has to meet all words of the filter. They are those of the web page: class: error: message: tag: queue: jid:
    bid: args: older: newer:, and free text for anything in the JSON. Names may have a * in them.

    Example: [bold]teep jobs retries class:Import* error:Timeout older:1h[/bold]
    """
    chosen = choose(flags)
    if flags.count:
        count = counted(chosen)
        if flags.as_json:
            print_json({"jobs": count})
        else:
            print(count)
        return DONE if count else NOTHING
    page = chosen.page(flags.limit or _USUAL)
    if not page.items:
        return NOTHING if flags.as_json else nothing(chosen.none())
    if flags.as_json:
        print_lines(told(record, chosen.where) for record in page.items)
        return DONE
    show(table(COLUMNS[chosen.where], (row(record, chosen.where) for record in page.items)))
    if page.next is not None:
        print(f"These are the first {len(page.items):,}; --limit N shows more, --count says how many there are.")
    return DONE
