"""The flags of a worker. `teep config` takes them too, to show what they would make."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import typer

from teep.cli.options import ConfigFile, Environment, RedisUrl

if TYPE_CHECKING:
    from teep.config.sources.resolution import Settings

Modules = Annotated[
    list[str] | None,
    typer.Argument(help="Modules that define jobs, such as app.jobs. Default: those of the file.", metavar="MODULE"),
]
Concurrency = Annotated[int | None, typer.Option("--concurrency", "-c", help="Jobs to run at a time. Default: 10.")]
Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue",
        "-q",
        help="A queue to serve, NAME or NAME,WEIGHT; may be given again. Default: those of the jobs.",
        metavar="NAME",
    ),
]
Capsules = Annotated[
    list[str] | None,
    typer.Option(
        "--capsule",
        help="Queues with a concurrency of their own, such as serial:1:imports; may be given again.",
        metavar="NAME:CONCURRENCY:QUEUE[:QUEUE...]",
    ),
]
Processes = Annotated[
    int | None, typer.Option("--processes", "-p", help="Processes to run, under a supervisor. Default: 1.")
]
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
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", "-t", help="Seconds that running jobs get to finish at a stop. Default: 25."),
]
Tag = Annotated[str | None, typer.Option("--tag", "-g", help="Shown beside the process. Default: the folder's name.")]
Health = Annotated[
    str | None,
    typer.Option(
        "--health", help="Answer /live and /ready over HTTP, such as at 127.0.0.1:7433.", metavar="HOST:PORT"
    ),
]
Watchdog = Annotated[
    float | None,
    typer.Option(
        "--watchdog", help="Seconds without progress, or Redis, until the process exits; 0: never. Default: 300."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log level DEBUG.")]
Level = Annotated[
    str | None,
    typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR. Default: INFO.", metavar="LEVEL"),
]
JsonLogs = Annotated[bool | None, typer.Option("--json-logs", help="Log one JSON object a line.")]

# Where a flag is not named after its setting.
_NAMES = {"modules": "MODULE", "queues": "--queue", "capsules": "--capsule"}


@dataclass(frozen=True)
class Flags:
    """What the command line says, by setting; None where it says nothing, which leaves it to variables and file."""

    modules: Modules = None
    concurrency: Concurrency = None
    queues: Queues = None
    capsules: Capsules = None
    processes: Processes = None
    max_rss: MaxRss = None
    max_jobs: MaxJobs = None
    spawn: Spawn = None
    timeout: Timeout = None
    environment: Environment = None
    tag: Tag = None
    health: Health = None
    watchdog: Watchdog = None
    verbose: Verbose = False
    log_level: Level = None
    json_logs: JsonLogs = None
    redis_url: RedisUrl = None
    config: ConfigFile = None

    def settings(self) -> "Settings":
        """Return what holds: these flags over the rest.

        Raises:
            ConfigurationError: a capsule or the file cannot be read.
        """
        from teep.config.capsules import parse_capsule
        from teep.config.sources.resolution import resolve
        from teep.config.sources.settings import SETTINGS
        from teep.config.sources.variables import Found

        given = {
            field.name: Found(value, _NAMES.get(field.name, f"--{field.name.replace('_', '-')}"))
            for field in fields(self)
            if field.name in SETTINGS and (value := getattr(self, field.name)) not in (None, [])
        }
        if self.capsules:
            given["capsules"] = Found(dict(map(parse_capsule, self.capsules)), "--capsule")
        if self.verbose:
            given["log_level"] = Found("DEBUG", "--verbose")
        return resolve(given, self.config)
