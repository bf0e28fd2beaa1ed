"""`teep run`: a job here and now, in this process."""

from dataclasses import dataclass

from teep.cli.commands.running.names import Args, Name, find
from teep.cli.options import Looking
from teep.cli.showing.values import read, written
from teep.errors import InvalidValue


@dataclass(frozen=True, eq=False, repr=False)
class RunFlags(Looking):
    """Which job, and with what."""

    name: Name = ""
    args: Args = ()


def run(flags: RunFlags) -> None:
    """Run a job in this process, through its middleware, and print what it returns. Nothing is pushed or retried.

    Example: [bold]teep run app.jobs.welcome 42[/bold]
    """
    from teep.config import default_config
    from teep.job.inline import run_inline

    flags.with_jobs()
    found = find(flags.name)
    if found is None:
        raise InvalidValue(
            f"there is no job {flags.name!r} here; name it with its module, as in teep run app.jobs.welcome 42"
        )
    returned = run_inline(default_config(), found, found.to_payload(tuple(map(read, flags.args)), {}))
    if flags.as_json:
        print(written({"job": flags.name, "returned": returned}))
    elif returned is not None:
        print(written(returned))
