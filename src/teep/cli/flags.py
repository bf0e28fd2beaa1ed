"""The flags of a worker. `teep config` takes them too, to show the settings that they make."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import click

from teep.cli.command import argument, option
from teep.cli.options import ConfigFile, Environment, RedisUrl

if TYPE_CHECKING:
    from teep.config.sources.resolution import Settings

Modules = Annotated[
    tuple[str, ...],
    argument(metavar="[MODULE]...", help="Modules that define jobs, such as app.jobs. Default: those of the file."),
]
Concurrency = Annotated[int | None, option("--concurrency", "-c", help="Jobs to run at a time. Default: 10.")]
Queues = Annotated[
    tuple[str, ...],
    option(
        "--queue",
        "-q",
        metavar="NAME",
        help="A queue to serve, NAME or NAME,WEIGHT; may be given again. Default: those of the jobs.",
    ),
]
Capsules = Annotated[
    tuple[str, ...],
    option(
        "--capsule",
        metavar="NAME:N:QUEUE...",
        help="Queues with a concurrency N of their own, such as serial:1:imports:exports; may be given again.",
    ),
]
Processes = Annotated[
    int | None, option("--processes", "-p", help="Processes to run, under a supervisor. Default: 1.")
]
MaxRss = Annotated[
    int | None, option("--max-rss", metavar="MB", help="Replace a process that uses this much memory.")
]
MaxJobs = Annotated[
    int | None, option("--max-jobs", metavar="JOBS", help="Replace a process that has run this many jobs.")
]
Spawn = Annotated[
    bool | None,
    option("--spawn/--fork", help="How processes begin: fresh, or as copies. Default: --spawn on macOS only."),
]
Timeout = Annotated[
    float | None, option("--timeout", "-t", help="Seconds that running jobs get to finish at a stop. Default: 25.")
]
Tag = Annotated[str | None, option("--tag", "-g", help="Shown beside the process. Default: the folder's name.")]
Health = Annotated[
    str | None,
    option("--health", metavar="HOST:PORT", help="Answer /live and /ready over HTTP, such as at 127.0.0.1:7433."),
]
Watchdog = Annotated[
    float | None,
    option("--watchdog", help="Seconds without progress, or Redis, until the process exits; 0: never. Default: 300."),
]
Leader = Annotated[
    str | None,
    option(
        "--leader",
        type=click.Choice(["auto", "never", "prefer"]),
        help="Whether it may lead the fleet, and fire periodic jobs. Default: auto.",
    ),
]
Verbose = Annotated[bool, option("--verbose", "-v", help="Log level DEBUG.")]
Level = Annotated[
    str | None, option("--log-level", metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR. Default: INFO.")
]
JsonLogs = Annotated[bool | None, option("--json-logs", help="Log one JSON object a line.")]

# Flags that are not named after their settings.
_NAMES = {"modules": "MODULE", "queues": "--queue", "capsules": "--capsule"}


@dataclass(frozen=True)
class Flags:
    """The command line's flags, by setting; None if a flag is not given, so that variables or the file decide."""

    modules: Modules = ()
    concurrency: Concurrency = None
    queues: Queues = ()
    capsules: Capsules = ()
    processes: Processes = None
    max_rss: MaxRss = None
    max_jobs: MaxJobs = None
    spawn: Spawn = None
    timeout: Timeout = None
    environment: Environment = None
    tag: Tag = None
    health: Health = None
    watchdog: Watchdog = None
    leader: Leader = None
    verbose: Verbose = False
    log_level: Level = None
    json_logs: JsonLogs = None
    redis_url: RedisUrl = None
    config: ConfigFile = None

    def settings(self) -> "Settings":
        """Return the settings that these flags, the variables and the file make.

        Raises:
            ConfigurationError: a capsule or the file cannot be read.
        """
        from teep.config.capsules import parse_capsule
        from teep.config.sources.resolution import resolve
        from teep.config.sources.settings import SETTINGS
        from teep.config.sources.variables import Found

        given = {
            field.name: Found(
                list(value) if isinstance(value, tuple) else value,
                _NAMES.get(field.name, f"--{field.name.replace('_', '-')}"),
            )
            for field in fields(self)
            if field.name in SETTINGS and (value := getattr(self, field.name)) not in (None, ())
        }
        if self.capsules:
            given["capsules"] = Found(dict(map(parse_capsule, self.capsules)), "--capsule")
        if self.verbose:
            given["log_level"] = Found("DEBUG", "--verbose")
        return resolve(given, self.config)
