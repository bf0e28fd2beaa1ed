"""A worker of this suite: teep's own, with a clock that can be moved and a shorter time to be given up.

Nothing in teep knows of this: the module patches its own process, then runs the worker as `teep worker` would.
"""

import argparse
import logging
import os
import sys
import time
from types import ModuleType

from teep import Config
from teep.errors import RedisError
from teep.store import processes
from teep.worker import Worker, heartbeat, log
from teep.worker.rescuer import Rescuer
from tests.chaos import journal

# The exit code of a worker that finds no Redis at its start. What started it tries again, as in life.
NO_REDIS = 75
# Seconds without a heartbeat after which others may rescue a process's jobs; 60 in life.
EXPIRY = 4
_HEARTBEAT = 0.5
# Seconds between looks for the dead, over the whole fleet; 5 in life.
_RESCUE = 0.3


def main() -> int:
    """Run until a signal stops it; returns the exit code."""
    options = _options()
    log.set_up("WARNING", as_json=False)
    logging.getLogger("teep").addHandler(_Journalling(logging.WARNING))
    _move_clock(options.clock, options.clock_after)
    _shorten(processes, "HEARTBEAT_EXPIRY", EXPIRY)
    _shorten(heartbeat, "_TRUSTED", EXPIRY - 1.5)
    _shorten(Rescuer, "_AVERAGE", _RESCUE)
    config = Config(
        redis_url=os.environ["REDIS_URL"],
        concurrency=options.concurrency,
        queues=options.queues,
        timeout=options.timeout,
        heartbeat_interval=_HEARTBEAT,
        average_scheduled_poll_interval=0.5,
    )
    config.error_handlers[:] = [_unless_intended]
    try:
        Worker(config, "tests.chaos.jobs").run()
    except RedisError:
        return NO_REDIS
    return 0


class _Journalling(logging.Handler):
    """Writes what the worker warns of into the journal, where its moment can be compared with the runs'."""

    def emit(self, record: logging.LogRecord) -> None:
        journal.remark(record.getMessage())


def _unless_intended(error: BaseException, context: dict[str, object]) -> None:
    if type(error).__name__ != "Intended":
        logging.getLogger("teep").error("%s: %r", context.get("context"), error, exc_info=error)


def _move_clock(by: float, after: float) -> None:
    """Let this process's clock jump by some seconds, some seconds from now."""
    real, moment = time.time, time.monotonic() + after
    time.time = lambda: real() + by if time.monotonic() >= moment else real()


def _shorten(owner: ModuleType | type, name: str, seconds: float) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner!r} has no {name} any more: the chaos suite must find another way")
    setattr(owner, name, seconds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("queues", nargs="+")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("--clock", type=float, required=True)
    parser.add_argument("--clock-after", type=float, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
