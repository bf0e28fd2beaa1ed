"""The options that commands share.

Flags are compared and shown nowhere, and what would do that costs the start of every command a millisecond a class.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from teep.cli.command import option
from teep.errors import ConfigurationError

if TYPE_CHECKING:
    from teep.config import Config
    from teep.config.sources.resolution import Settings

RedisUrl = Annotated[
    str | None,
    option(
        "--redis-url", metavar="URL", help="Default: TEEP_REDIS_URL, REDIS_URL, the file's, else the embedded server."
    ),
]
LogLevel = Annotated[
    str,
    option(
        "--log-level",
        envvar="TEEP_LOG_LEVEL",
        show_envvar=True,
        show_default=True,
        metavar="LEVEL",
        help="DEBUG, INFO, WARNING or ERROR.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    option(
        "--config",
        "-C",
        type=click.Path(path_type=Path, readable=False),  # which completes, and leaves it to the reader to open it
        metavar="FILE",
        help="The configuration file, or none. Default: TEEP_CONFIG, or the nearest teep.toml or pyproject.toml.",
    ),
]
Environment = Annotated[
    str | None, option("--environment", "-e", metavar="NAME", help="Default: APP_ENV, else development.")
]
AsJson = Annotated[bool, option("--json", help="Print JSON, for programs: an object a line.")]
Yes = Annotated[bool, option("--yes", "-y", help="Do not ask. In a pipe nobody could answer, so it is needed there.")]
Watch = Annotated[bool, option("--watch", help="Look again every two seconds, until Ctrl-C.")]


class AtMost(click.IntRange):
    """The type of a limit: a number from 1. One that is too large for Redis means as many as there can be."""

    def __init__(self) -> None:
        super().__init__(min=1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return min(int(super().convert(value, param, ctx)), 1_000_000_000)


@dataclass(frozen=True, eq=False, repr=False)
class Reaching:
    """The flags of a command that reaches Redis."""

    redis_url: RedisUrl = None
    config: ConfigFile = None
    environment: Environment = None
    log_level: LogLevel = "WARNING"

    def configured(self) -> "Config":
        """Return the configuration that these flags make, with its logs on standard error.

        Raises:
            ConfigurationError: an option, a variable or the file does not fit.
            ModuleImportError: the environment names a Django project, which cannot be imported.
        """
        set_up_logs(self.log_level)
        return self.settled()

    def settled(self) -> "Config":
        """Return the configuration as `configured` does, but leave the logs as they are."""
        from teep.config import default_config

        self._installed()
        return default_config()

    def with_jobs(self) -> "Config":
        """Return the configuration as `configured` does, once the modules that the file names are imported.

        Raises:
            ConfigurationError, ModuleImportError: as `configured`; or one of these modules cannot be imported.
        """
        from teep.cli import application
        from teep.config import default_config
        from teep.worker.startup.modules import load

        set_up_logs(self.log_level)
        settings = self._installed()
        application.make_importable()
        for module in settings.get("modules", []):
            load(module)
        return default_config()

    def _installed(self) -> "Settings":
        from teep.cli import application
        from teep.config.default import install
        from teep.config.sources.resolution import resolve
        from teep.config.sources.variables import Found

        named = {"redis_url": "--redis-url", "environment": "--environment"}
        given = {
            name: Found(value, flag) for name, flag in named.items() if (value := getattr(self, name)) is not None
        }
        settings = resolve(given, self.config)
        settings.warn()
        install(settings)
        application.set_up()
        return settings


@dataclass(frozen=True, eq=False, repr=False)
class Looking(Reaching):
    """The flags of a command that looks into Redis."""

    as_json: AsJson = False


def set_up_logs(level: str, *, as_json: bool = False) -> None:
    """Send this process's logs to standard error from a level, such as "info", on.

    Raises:
        ConfigurationError: there is no such level.
    """
    from teep.worker.logs import log

    log.set_up(checked_level(level), as_json=as_json)


def checked_level(level: str) -> str:
    """Return a log level as `logging` writes it.

    Raises:
        ConfigurationError: there is no such level.
    """
    if not isinstance(logging.getLevelName(level.upper()), int):
        raise ConfigurationError(f"there is no log level {level!r}; there are DEBUG, INFO, WARNING and ERROR")
    return level.upper()
