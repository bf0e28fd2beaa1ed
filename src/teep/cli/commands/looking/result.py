"""`teep result`: what a job returned."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from teep.cli.command import argument, option
from teep.cli.endings import DONE, NOTHING
from teep.cli.options import Looking
from teep.cli.printing import print_json, print_table
from teep.cli.showing.values import written
from teep.errors import JobFailed, ResultNotKept, ResultTimeout
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api.results import Result

Jid = Annotated[str, argument(metavar="JID", help="The job.")]
Wait = Annotated[
    float | None, option("--wait", metavar="SECONDS", help="Wait so long for its end. Without it nothing is awaited.")
]

_OVER = ("succeeded", "failed", "dead", "cancelled")


@dataclass(frozen=True, eq=False, repr=False)
class ResultFlags(Looking):
    """Which job, and how long to wait for it."""

    jid: Jid = ""
    wait: Wait = None


def result(flags: ResultFlags) -> int:
    """Show what has become of a job, and what it returned, if it keeps that (keep_result=).

    It exits with 0 if the job succeeded, or is not over and nobody waits for it.

    Example: [bold]teep result 01a22d40b2570e0b29c7e22a --wait 10[/bold]
    """
    from teep.api.results import Result

    found = _read(Result(flags.jid, config=flags.configured()), flags.wait)
    if flags.as_json:
        print_json({"jid": flags.jid, **found})
    else:
        rows: list[tuple[str, ...]] = [
            (name, str(value) if name in _TEXTS else written(value)) for name, value in found.items()
        ]
        print_table(["job", on_one_line(flags.jid)], rows, of_texts=True)
    is_fine = found["status"] == "succeeded" or (flags.wait is None and found["status"] not in (*_OVER, "unknown"))
    return DONE if is_fine else NOTHING


_TEXTS = ("status", "progress", "error", "note")


def _read(result: "Result", wait: float | None) -> dict[str, Any]:
    """Return what is known of a job, by the names of the rows."""
    try:
        if wait is not None:
            return {"status": "succeeded", "value": result.get(timeout=wait)}
        status = result.status
        if status not in _OVER:
            progress = result.progress
            told = {} if progress is None else {"progress": f"{progress.done:.0%} {progress.note}".strip()}
            return {"status": status, **told}
        return {"status": status, "value": result.get(timeout=0)}
    except JobFailed as error:
        said = {"error": f"{error.error_class}: {error.error_message}"} if error.error_class else {}
        return {"status": error.status, **said}
    except (ResultNotKept, ResultTimeout) as error:
        return {"status": result.status, "note": str(error)}
