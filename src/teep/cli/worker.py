"""`teep worker`: run jobs in this process."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from teep.cli.options import LogLevel, RedisUrl, set_up_logs

Modules = Annotated[
    list[str], typer.Argument(help="Modules that define jobs, such as app.jobs.", metavar="MODULE...")
]
Concurrency = Annotated[int, typer.Option("--concurrency", "-c", help="Jobs to run at a time.")]
Queues = Annotated[
    list[str],
    typer.Option("--queue", "-q", help="A queue to serve, NAME or NAME,WEIGHT; may be given again.", metavar="NAME"),
]
Timeout = Annotated[float, typer.Option("--timeout", "-t", help="Seconds that running jobs get to finish at a stop.")]
Environment = Annotated[str | None, typer.Option("--environment", "-e", help="Default: APP_ENV, else development.")]
Tag = Annotated[str | None, typer.Option("--tag", "-g", help="Shown beside the process. Default: the folder's name.")]
Health = Annotated[
    str | None,
    typer.Option(
        "--health", help="Answer /live and /ready over HTTP, such as at 127.0.0.1:7433.", metavar="HOST:PORT"
    ),
]
Watchdog = Annotated[
    float, typer.Option("--watchdog", help="Seconds without progress, or Redis, until the process exits; 0: never.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log level DEBUG.")]
JsonLogs = Annotated[bool, typer.Option("--json-logs", help="Log one JSON object a line.")]


def worker(
    modules: Modules,
    concurrency: Concurrency = 10,
    queue: Queues = ["default"],  # noqa: B006 - typer reads it; nobody changes it
    timeout: Timeout = 25.0,
    environment: Environment = None,
    tag: Tag = None,
    health: Health = None,
    watchdog: Watchdog = 300.0,
    verbose: Verbose = False,
    log_level: LogLevel = "INFO",
    json_logs: JsonLogs = False,
    redis_url: RedisUrl = None,
) -> None:
    """Run jobs until TERM or INT.

    Example: [bold]teep worker app.jobs -c 20 -q critical,3 -q default,1[/bold]
    """
    from teep.config import Config
    from teep.worker import Worker

    set_up_logs("DEBUG" if verbose else log_level, as_json=json_logs)
    optional = {"environment": environment, "tag": tag, "health": health}
    given: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
    config = Config(
        redis_url=redis_url, concurrency=concurrency, queues=queue, timeout=timeout, watchdog=watchdog, **given
    )
    sys.path.insert(0, str(Path.cwd()))
    clean = Worker(config, *modules).run()
    sys.stderr.flush()
    if not clean:
        # A job that ignores its stop would hold up the interpreter's end; it is back in its queue already.
        os._exit(0)
