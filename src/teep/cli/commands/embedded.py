"""`teep embedded`: the embedded server of this folder's project, and how to empty it."""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import click

from teep.cli.command import option
from teep.cli.options import AsJson
from teep.cli.printing import print_json, print_table
from teep.errors import ConfigurationError, RedisCommandError

if TYPE_CHECKING:
    from teep.embedded.status import Status

Yes = Annotated[bool, option("--yes", "-y", help="Do not ask.")]
Force = Annotated[bool, option("--force", help="Also while workers run on it.")]


@dataclass(frozen=True, eq=False, repr=False)
class StatusFlags:
    """The format to print."""

    as_json: AsJson = False


@dataclass(frozen=True, eq=False, repr=False)
class ResetFlags:
    """Whether to ask first, and to reset a server in use."""

    yes: Yes = False
    force: Force = False


def status(flags: StatusFlags) -> None:
    """Show where the embedded server keeps its data, whether it runs, and how large they are. Starts nothing.

    Example: [bold]teep embedded status[/bold]
    """
    from teep.embedded.status import look

    now = look()
    if flags.as_json:
        print_json({**now._asdict(), "folder": str(now.folder)})
        return
    rows: list[tuple[str, ...]] = [
        ("folder", str(now.folder)),
        ("chosen by", now.by),
        ("server", _server(now)),
        ("size", f"{now.bytes / 1000:,.0f} kB"),
    ]
    print_table(["embedded server", "now"], rows, of_texts=True)


def reset(flags: ResetFlags) -> None:
    """Remove every job, set and counter of the embedded server. It asks first.

    Example: [bold]teep embedded reset --yes[/bold]
    """
    from teep import embedded
    from teep.api import ProcessSet, Stats
    from teep.config import Config, driver_for
    from teep.embedded.status import look
    from teep.wire import commands

    now = look()
    if not now.used:
        print(f"There is nothing to remove: {now.folder} was never used.")
        return
    with embedded.acquire() as lease:
        config = Config(redis_url=lease.url)
        workers = ProcessSet(config=config).size()
        if workers and not flags.force:
            raise ConfigurationError(f"{workers} workers run on {now.folder}; stop them first, or give --force")
        if not flags.yes:
            queued = Stats(config=config).enqueued
            click.confirm(f"Remove {queued:,} queued jobs and all else in {now.folder}?", abort=True)
        driver_for(config).execute(commands.flushall())
        # So that none of it stays on the disk; if a rewrite is going on already, that one removes it.
        with contextlib.suppress(RedisCommandError):
            driver_for(config).execute(commands.rewrite_append_only_file())
    print(f"{now.folder} is empty.")


def _server(now: "Status") -> str:
    if now.running:
        return f"runs as pid {now.pid}"
    return "is stopped" if now.used else "was never used"
