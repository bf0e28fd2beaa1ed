"""`teep demo`: see it work."""

from dataclasses import dataclass
from typing import Annotated

from teep.cli.command import option
from teep.cli.options import LogLevel, set_up_logs


@dataclass(frozen=True)
class DemoFlags:
    """How much the demo shows and tells."""

    web: Annotated[
        bool, option("--web", help="Serve the web page, on this machine alone, and stay until Ctrl-C.")
    ] = False
    tour: Annotated[bool, option("--tour", help="Give a long tour of the data API.")] = False
    log_level: LogLevel = "WARNING"


def demo(flags: DemoFlags) -> None:
    """See it work: two workers, a thousand jobs and more, a worker killed at half time, and no job lost.

    It takes less than a minute, on an embedded server of its own: no Redis is needed, none is touched, and nothing
    is left behind.

    Example: [bold]teep demo[/bold]
    """
    from teep.demo import run

    set_up_logs(flags.log_level)
    run(long=flags.tour, page=flags.web)
