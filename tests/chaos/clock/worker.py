"""A worker with a shorter lease and a moved clock, which may lead and serves an empty queue."""

import logging
import os
import sys

from teep import Config
from teep.errors import RedisError
from teep.features.periodic import watched
from teep.worker import Worker
from teep.worker.logs import log
from teep.worker.services import leader
from tests.chaos.worker import NO_REDIS, _move_clock, _replace, read_options

# Seconds that a lease lasts; 15 in life.
LEASE = 2.0
HEARTBEAT = 0.5
# Seconds by which a tick may be late and is on time; 10 in life.
ON_TIME = 2.0


def main() -> int:
    """Run until a signal stops it; returns the exit code."""
    options = read_options()
    log.set_up("INFO", as_json=False)
    logging.getLogger("teep.job").setLevel("WARNING")
    _move_clock(options.clock, options.clock_after)
    _replace(leader, "_LEASE", LEASE)
    _replace(watched, "ON_TIME", ON_TIME)
    config = Config(
        redis_url=os.environ["REDIS_URL"],
        concurrency=1,
        queues=["nothing"],
        timeout=options.timeout,
        heartbeat_interval=HEARTBEAT,
    )
    try:
        Worker(config).run()
    except RedisError:
        return NO_REDIS
    return 0


if __name__ == "__main__":
    sys.exit(main())
