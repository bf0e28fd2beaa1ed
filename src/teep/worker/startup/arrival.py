"""A worker's start while Redis is not up yet: waited out, as an outage is, unless it can never end."""

from collections.abc import Callable

from teep.clock import monotonic
from teep.drivers import Driver
from teep.errors import ConfigurationError, RedisDenied, RedisMisconfigured, RedisRefused, RedisUnavailable
from teep.telling import Logger
from teep.wire import commands

logger = Logger("teep")

_PAUSE = 1.0


def patiently(step: Callable[[], None], may_go_on: Callable[[float], bool], limit: float) -> bool:
    """Take a step that needs Redis, again every second while it is away or refuses; True where it was taken.

    Args:
        step: what to do.
        may_go_on: waits so many seconds, and tells whether to try again.
        limit: seconds from which the wait is given up; 0: never.

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
    """Ask Redis whether it will do; say so where it may drop jobs to make room.

    What a user has no right to see is not needed.

    Raises:
        ConfigurationError: it is a part of a Redis Cluster.
        RedisError: it is away, or takes no password of ours.
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
