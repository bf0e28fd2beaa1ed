"""`teep top`: the web page's tabs in a terminal."""

import logging
from dataclasses import dataclass
from typing import Annotated

import click

from teep.cli.command import option
from teep.cli.options import Reaching, checked_level

ReadOnly = Annotated[bool, option("--read-only", help="Nothing can be changed.")]
Interval = Annotated[
    float,
    option(
        "--interval",
        type=click.FloatRange(min=0.2),
        metavar="SECONDS",
        show_default=True,
        help="Time between two looks at Redis; + and - change it.",
    ),
]


@dataclass(frozen=True)
class TopFlags(Reaching):
    """What may be done, and how often Redis is asked."""

    read_only: ReadOnly = False
    interval: Interval = 2.0


def top(flags: TopFlags) -> None:
    """Show queues, jobs, errors and processes live in the terminal, and act on them. Press ? for its keys.

    Example: [bold]teep top --read-only[/bold]
    """
    from teep.cli.loading import loading
    from teep.top import must_be_possible, run

    must_be_possible()
    logging.getLogger().setLevel(checked_level(flags.log_level))  # the status line tells what is logged
    with loading():
        import teep.drivers.aio
        import teep.top.app  # noqa: F401 - what runs from here on

        config = flags.settled()
    run(config, read_only=flags.read_only, interval=flags.interval)
