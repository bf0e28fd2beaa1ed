"""`teep worker`: run jobs, in this process or in several."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from teep.cli.options import LogLevel, RedisUrl, set_up_logs

if TYPE_CHECKING:
    from teep.config import Config

Modules = Annotated[
    list[str], typer.Argument(help="Modules that define jobs, such as app.jobs.", metavar="MODULE...")
]
Concurrency = Annotated[int, typer.Option("--concurrency", "-c", help="Jobs to run at a time.")]
Queues = Annotated[
    list[str],
    typer.Option("--queue", "-q", help="A queue to serve, NAME or NAME,WEIGHT; may be given again.", metavar="NAME"),
]
Capsules = Annotated[
    list[str],
    typer.Option(
        "--capsule",
        help="Queues with a concurrency of their own, such as serial:1:imports; may be given again.",
        metavar="NAME:CONCURRENCY:QUEUE[:QUEUE...]",
    ),
]
Processes = Annotated[int, typer.Option("--processes", "-p", help="Processes to run, under a supervisor.")]
MaxRss = Annotated[
    int | None, typer.Option("--max-rss", help="Replace a process that uses this much memory.", metavar="MB")
]
MaxJobs = Annotated[
    int | None, typer.Option("--max-jobs", help="Replace a process that has run this many jobs.", metavar="JOBS")
]
Spawn = Annotated[
    bool | None,
    typer.Option("--spawn/--fork", help="How processes begin: fresh, or as copies. Default: --spawn on macOS only."),
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
    capsule: Capsules = [],  # noqa: B006 - as above
    processes: Processes = 1,
    max_rss: MaxRss = None,
    max_jobs: MaxJobs = None,
    spawn: Spawn = None,
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
    from teep.config.capsules import parse_capsule

    set_up_logs("DEBUG" if verbose else log_level, as_json=json_logs)
    optional = {"environment": environment, "tag": tag, "health": health}
    given: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
    config = Config(
        redis_url=redis_url,
        concurrency=concurrency,
        queues=queue,
        capsules=dict(map(parse_capsule, capsule)),
        processes=processes,
        max_rss=max_rss,
        max_jobs=max_jobs,
        timeout=timeout,
        watchdog=watchdog,
        **given,
    )
    sys.path.insert(0, str(Path.cwd()))
    clean = _run(config, modules, spawn)
    sys.stderr.flush()
    if not clean:
        # A job that ignores its stop would hold up the interpreter's end; it is back in its queue already.
        os._exit(0)


def _run(config: "Config", modules: list[str], spawn: bool | None) -> bool:
    """Run one worker here, or a supervisor where there are more, or where one is to be replaced now and then."""
    from teep.worker import Supervisor, Worker

    if config.processes == 1 and config.max_rss is None and config.max_jobs is None:
        return Worker(config, *modules).run()
    how = {} if spawn is None else {"spawn": spawn}
    return Supervisor(config, *modules, **how).run()
