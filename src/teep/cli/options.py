"""The options that commands share, and what they mean."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teep.errors import ConfigurationError

if TYPE_CHECKING:
    from teep.config import Config

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
        help="The configuration file, or none. Default: TEEP_CONFIG, teep.toml, or [tool.teep] in pyproject.toml.",
        metavar="FILE",
    ),
]
Environment = Annotated[
    str | None, typer.Option("--environment", "-e", help="Default: APP_ENV, else development.", metavar="NAME")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def configured(redis_url: str | None, config: Path | None, environment: str | None, log_level: str) -> "Config":
    """Return the configuration of a command that looks or changes, with its logs on standard error.

    Raises:
        ConfigurationError: an option, a variable or the file does not fit.
    """
    from teep.config.resolution import resolve
    from teep.config.variables import Found

    set_up_logs(log_level)
    given = {"redis_url": Found(redis_url, "--redis-url"), "environment": Found(environment, "--environment")}
    return resolve({name: found for name, found in given.items() if found.value is not None}, config).config()


def set_up_logs(level: str, *, as_json: bool = False) -> None:
    """Send this process's logs to standard error from a level, such as "info", on.

    Raises:
        ConfigurationError: there is no such level.
    """
    from teep.worker import log

    if not isinstance(logging.getLevelName(level.upper()), int):
        raise ConfigurationError(f"there is no log level {level!r}; there are DEBUG, INFO, WARNING and ERROR")
    log.set_up(level.upper(), as_json=as_json)
