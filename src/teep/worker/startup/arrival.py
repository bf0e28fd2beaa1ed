"""The wait for Redis when a worker starts: as long as an outage lasts, unless waiting cannot help."""

from collections.abc import Callable

from teep.clock import monotonic
from teep.drivers import Driver
from teep.errors import ConfigurationError, RedisDenied, RedisMisconfigured, RedisRefused, RedisUnavailable
from teep.telling import Logger
from teep.wire import commands

logger = Logger("teep")

_PAUSE = 1.0


def patiently(step: Callable[[], None], may_go_on: Callable[[float], bool], limit: float) -> bool:
    """Take a step that needs Redis; try again every second while Redis is away or refuses. True if it succeeded.

    Args:
        step: the step.
        may_go_on: waits so many seconds, and tells whether to try again.
        limit: seconds after which to give up; 0: never.

    Raises:
        RedisMisconfigured: waiting does not help.
        RedisError: the limit is reached.
    """
    started, told = monotonic(), False
    while True:
        try:
            step()
        except RedisMisconfigured:
            raise
        except (RedisUnavailable, RedisRefused) as error:
            if limit and monotonic() - started > limit:
                raise
            if not told:
                logger.error("%s; the worker starts as soon as Redis is there", error)  # noqa: TRY400 - it is no bug
            told = True
        else:
            if told:
                logger.info("Redis is there after %.1f s", monotonic() - started)
            return True
        if not may_go_on(_PAUSE):
            return False


def check_redis(driver: Driver) -> None:
    """Check that this Redis is fit for jobs; warn if it may drop jobs to make room.

    The check is left out if the Redis user has no right to it.

    Raises:
        ConfigurationError: it is a part of a Redis Cluster.
        RedisError: it is away, or refuses the password.
    """
    try:
        driver.execute(commands.ping())
        memory = driver.execute(commands.info("memory"))
        cluster = driver.execute(commands.info("cluster"))
    except RedisDenied as error:
        logger.debug("whether Redis may drop jobs is not known: %s", error)
        return
    if _field(cluster, "cluster_enabled") == "1":
        raise ConfigurationError(
            "Redis Cluster is not supported, and the Redis URL leads to a node of one:"
            " use one primary, alone or behind Sentinel"
        )
    policy = _field(memory, "maxmemory_policy")
    if policy not in ("", "noeviction"):
        logger.warning("Redis evicts keys (maxmemory-policy %s), so it may drop jobs; set noeviction", policy)


def _field(info: str, name: str) -> str:
    return next((line.partition(":")[2] for line in info.splitlines() if line.startswith(f"{name}:")), "")
