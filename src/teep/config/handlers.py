"""Calls users' handlers and listeners, each isolated from the others: one may raise anything, SystemExit too."""

from collections.abc import Callable
from typing import Any

from teep.config.config import Config
from teep.config.hooks import Event, log_error
from teep.telling import Logger

logger = Logger("teep")


def report(
    config: Config, error: BaseException, context: dict[str, Any], log: Callable[[], None] | None = None
) -> None:
    """Give an error to the error handlers; a handler that fails itself is logged.

    `log` is called in place of the handler that logs, if there is more to log than the context says.
    """
    for handler in tuple(config.error_handlers):
        try:
            if log is not None and handler is log_error:
                log()
            else:
                handler(error, context)
        except BaseException as problem:
            logger.error("an error handler failed", exc_info=problem)  # noqa: TRY400 - which takes it this way


def notify_death(config: Config, item: dict[str, Any], reason: BaseException) -> None:
    """Tell the death handlers that a job is dead; one that fails does not keep the others from hearing of it."""
    for handler in tuple(config.death_handlers):
        try:
            handler(item, reason)
        except BaseException as error:  # noqa: BLE001 - reported
            report(config, error, {"context": "death handler", "job": item})


def fire(config: Config, event: Event, *details: Any) -> None:
    """Call the listeners of an event in their order; one that fails is reported, and the others still run."""
    for listener in config.listeners(event):
        try:
            listener(*details)
        except BaseException as error:  # noqa: BLE001 - reported
            report(config, error, {"context": f"{event} listener"})
