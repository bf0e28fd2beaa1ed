"""The flags of a command that is about jobs: SELECTION, the words of a filter, and flags that mean the same.

`class:Import*` and `--class 'Import*'` end in the same conditions; see `teep.api.jobs.selection.words`.
"""

from dataclasses import dataclass
from typing import Annotated

from teep.cli.command import argument, option
from teep.cli.options import AtMost, Looking, Yes
from teep.cli.selecting.completing import complete_selection

Words = Annotated[
    tuple[str, ...],
    argument(
        metavar="SELECTION [WORD]...",
        required=True,
        shell_complete=complete_selection,
        help="retries, scheduled, dead or queue:NAME, then the words of a filter: class:Import* error:Timeout"
        ' older:1h args:42 "connection reset".',
    ),
]
Klass = Annotated[str | None, option("--class", metavar="NAME", help="As class:NAME, such as Import* or resize.")]
Error = Annotated[str | None, option("--error", metavar="NAME", help="As error:NAME, the class of the error.")]
Tag = Annotated[str | None, option("--tag", metavar="TAG", help="As tag:TAG.")]
Jid = Annotated[str | None, option("--jid", metavar="JID", help="As jid:JID; several with commas between them.")]
Args = Annotated[str | None, option("--args", metavar="JSON", help="As args:JSON, such as 42 or '[42, \"eu\"]'.")]
Match = Annotated[str | None, option("--match", metavar="TEXT", help="A string anywhere in the job's JSON.")]
Older = Annotated[str | None, option("--older", metavar="SPAN", help="As older:SPAN, such as 90s, 1h or 2d.")]
Newer = Annotated[str | None, option("--newer", metavar="SPAN", help="As newer:SPAN.")]
Limit = Annotated[int | None, option("--limit", type=AtMost(), metavar="N", help="At most so many jobs.")]
All = Annotated[bool, option("--all", help="All jobs that lie there. Without a filter it is needed.")]
DryRun = Annotated[bool, option("--dry-run", help="Only say how many it would be.")]


@dataclass(frozen=True, eq=False, repr=False)
class Selecting(Looking):
    """Which jobs."""

    words: Words = ()
    klass: Klass = None
    error: Error = None
    tag: Tag = None
    jid: Jid = None
    args: Args = None
    match: Match = None
    older: Older = None
    newer: Newer = None
    limit: Limit = None

    @property
    def named(self) -> dict[str, str]:
        """The flags that are given, by the word that each is in a filter."""
        given = {
            "class": self.klass, "error": self.error, "tag": self.tag, "jid": self.jid, "args": self.args,
            "older": self.older, "newer": self.newer,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, eq=False, repr=False)
class Acting(Selecting):
    """Which jobs, and whether it is asked first."""

    all: All = False
    dry_run: DryRun = False
    yes: Yes = False
