"""The last thing a supervisor does, where workers crashed."""

import logging

from teep.config import Config, driver_for
from teep.errors import RedisError
from teep.worker.outage import Outage
from teep.worker.rescuer import Rescuer

logger = logging.getLogger("teep")


def rescue(config: Config) -> None:
    """Put back what dead children had in flight; no one else may be left to do so."""
    try:
        Rescuer(config, driver_for(config), "", Outage(), _on_error).run_once()
    except RedisError as error:
        _on_error(error, "rescuer")


def _on_error(error: BaseException, _service: str) -> None:
    logger.error("jobs in flight stay there until a worker rescues them: %s", error)
