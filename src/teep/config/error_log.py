"""The error handler that every `Config` begins with: the log."""

from typing import Any

from teep.telling import Logger

logger = Logger("teep")


def log_error(error: BaseException, context: dict[str, Any]) -> None:
    """Log an error with its traceback. Sidekiq's first error handler; take it out of the list to be rid of it."""
    logger.error("%s", context.get("context", "error"), exc_info=error, extra={"teep": context})
