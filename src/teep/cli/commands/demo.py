"""`teep demo`: see it work."""

from dataclasses import dataclass

from teep.cli.options import LogLevel, set_up_logs


@dataclass(frozen=True)
class DemoFlags:
    """How much the demo tells."""

    log_level: LogLevel = "WARNING"


def demo(flags: DemoFlags) -> None:
    """Analyse Python's standard library with real jobs, then tour the data API. Leaves nothing behind.

    It takes about half a minute, on an embedded server of its own: no Redis is needed, none is touched.

    Example: [bold]teep demo[/bold]
    """
    from teep.demo import run

    set_up_logs(flags.log_level)
    run()
