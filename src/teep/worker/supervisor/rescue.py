"""The last rescue, by a supervisor whose workers crashed."""

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
    """Return the jobs of dead children to their queues; no worker may be left to do so. The arguments are a worker's.

    A job may be moved to the dead set here. The application's handlers are called if the children were forked;
    otherwise the supervisor has not imported them.
    """
    with contextlib.suppress(ConfigurationError):  # no worker could start with that code, and each has logged why
        config = with_hooks_of(modules, config, configured)
    try:
        Rescuer(Component.alone(config, _on_error)).run_once()
    except RedisError as error:
        _on_error(error, "rescuer")


def _on_error(error: BaseException, _service: str) -> None:
    logger.error("jobs in flight stay there until a worker rescues them: %s", error)
