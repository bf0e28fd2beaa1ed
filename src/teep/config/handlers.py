"""Calling what users registered, each isolated from the others: it may raise anything, sys.exit() too."""

import logging
from typing import Any

from teep.config.value import Config, Event

logger = logging.getLogger("teep")


def report(config: Config, error: BaseException, context: dict[str, Any]) -> None:
    """Give an error to the error handlers; one that fails itself is logged."""
    for handler in config.error_handlers:
        try:
            handler(error, context)
        except BaseException:
            logger.exception("an error handler failed")


def notify_death(config: Config, item: dict[str, Any], reason: BaseException) -> None:
    """Tell the death handlers that a job is dead; one that fails does not keep the others from hearing of it."""
    for handler in config.death_handlers:
        try:
            handler(item, reason)
        except BaseException as error:  # noqa: BLE001 - reported
            report(config, error, {"context": "death handler", "job": item})


def fire(config: Config, event: Event) -> None:
    """Call the listeners of an event in their order; one that fails is reported, and the others still run."""
    for listener in config.listeners(event):
        try:
            listener()
        except BaseException as error:  # noqa: BLE001 - reported
            report(config, error, {"context": f"{event} listener"})
