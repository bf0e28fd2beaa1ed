"""The last thing a supervisor does, where workers crashed."""

import contextlib
from collections.abc import Callable, Sequence

from teep.config import Config
from teep.errors import ConfigurationError, RedisError
from teep.runtime.component import Component
from teep.telling import Logger
from teep.worker.services.rescuer import Rescuer
from teep.worker.startup.modules import with_hooks_of

logger = Logger("teep")


def rescue(config: Config, modules: Sequence[str], configured: Callable[[], Config] | None) -> None:
    """Put back what dead children had in flight; no one else may be left to do so. The arguments are a worker's.

    A job may be found dead, of which the code's handlers hear where the children were forked: else it is not here.
    """
    with contextlib.suppress(ConfigurationError):  # of code by which no worker could start, as each has said
        config = with_hooks_of(modules, config, configured)
    try:
        Rescuer(Component.alone(config, _on_error)).run_once()
    except RedisError as error:
        _on_error(error, "rescuer")


def _on_error(error: BaseException, _service: str) -> None:
    logger.error("jobs in flight stay there until a worker rescues them: %s", error)
