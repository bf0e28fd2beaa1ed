"""The options that commands share, and what they mean."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from teep.errors import ConfigurationError

if TYPE_CHECKING:
    from teep.config import Config

F = TypeVar("F")

RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis-url", help="Default: TEEP_REDIS_URL, REDIS_URL, the file's, else the embedded server.", metavar="URL"
    ),
]
LogLevel = Annotated[
    str,
    typer.Option("--log-level", envvar="TEEP_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.", metavar="LEVEL"),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-C",
        help="The configuration file, or none. Default: TEEP_CONFIG, or the nearest teep.toml or pyproject.toml.",
        metavar="FILE",
    ),
]
Environment = Annotated[
    str | None, typer.Option("--environment", "-e", help="Default: APP_ENV, else development.", metavar="NAME")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(frozen=True)
class Looking:
    """The flags of a command that looks at what is in Redis."""

    as_json: AsJson = False
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
        from teep.cli import application
        from teep.config import default_config
        from teep.config.default import install
        from teep.config.sources.resolution import resolve
        from teep.config.sources.variables import Found

        set_up_logs(self.log_level)
        named = {"redis_url": "--redis-url", "environment": "--environment"}
        given = {
            name: Found(value, flag) for name, flag in named.items() if (value := getattr(self, name)) is not None
        }
        settings = resolve(given, self.config)
        settings.warn()
        install(settings)
        application.set_up()
        return default_config()


def with_flags(flags: type[F], command: Callable[[F], None]) -> Callable[..., None]:
    """Return `command` as typer wants it: with a parameter for each field of `flags`, a dataclass."""

    def run(**values: Any) -> None:
        command(flags(**values))

    run.__doc__ = command.__doc__
    run.__dict__["__signature__"] = inspect.signature(flags)  # which typer reads in place of the function's own
    return run


def set_up_logs(level: str, *, as_json: bool = False) -> None:
    """Send this process's logs to standard error from a level, such as "info", on.

    Raises:
        ConfigurationError: there is no such level.
    """
    from teep.worker.logs import log

    if not isinstance(logging.getLevelName(level.upper()), int):
        raise ConfigurationError(f"there is no log level {level!r}; there are DEBUG, INFO, WARNING and ERROR")
    log.set_up(level.upper(), as_json=as_json)
