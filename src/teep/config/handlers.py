"""Calling what users registered, each isolated from the others."""

import logging
from typing import Any

from teep.config.value import Config

logger = logging.getLogger("teep")


def report(config: Config, error: BaseException, context: dict[str, Any]) -> None:
    """Give an error to the error handlers; where there are none, or one fails itself, it is logged."""
    if not config.error_handlers:
        logger.error("%s", context.get("context", "error"), exc_info=error, extra={"teep": context})
    for handler in config.error_handlers:
        try:
            handler(error, context)
        except BaseException:  # user code may raise anything, sys.exit() too
            logger.exception("an error handler failed")


def notify_death(config: Config, item: dict[str, Any], reason: BaseException) -> None:
    """Tell the death handlers that a job is dead; one that fails does not keep the others from hearing of it."""
    for handler in config.death_handlers:
        try:
            handler(item, reason)
        except BaseException as error:  # noqa: BLE001 - reported; user code may raise anything
            report(config, error, {"context": "death handler", "job": item})
