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
from teep.client.batches import block
from teep.client.workflows import starting
from teep.errors import RedisError
from teep.features.batch import Batches, watch
from teep.features.expiry import Expiry
from teep.job.context import JobContext
from teep.job.iterable import iteration
from teep.middleware import around
from teep.store import processes
from teep.store.feature import Barred, Feature, Unit
from teep.store.running import iteration as places
from teep.store.running.iteration import Held
from teep.wire import json
from teep.wire.payload import Item
from teep.wire.scripts import Saved
from teep.worker import Worker
from teep.worker.logs import log
from teep.worker.services import heartbeat, leader
from teep.worker.services.rescuer import Rescuer
from tests.chaos import journal
from tests.chaos.jobs import journalled
from tests.chaos.kinds import number_of

# The exit code of a worker that finds no Redis at its start. What started it tries again, as in life.
NO_REDIS = 75
# Seconds without a heartbeat after which others may rescue a process's jobs; 60 in life.
EXPIRY = 4
_HEARTBEAT = 0.5
# Seconds between looks for the dead, over the whole fleet; 5 in life.
_RESCUE = 0.3
# Seconds for which events wait for a block that sends nothing; an hour in life.
OPENING = 6.0
# Seconds between the leader's looks at batches, an hour in life, and for which it leads; 15 in life.
_WATCH, _LEASE = 6.0, 2.0
# Seconds without progress after which the leader looks for the jobs of a batch; a day in life.
_PATIENCE = 5.0
# Seconds between two checkpoints of an iterable job; 5 in life.
CHECKPOINT = 0.3


def main() -> int:
    """Run until a signal stops it; returns the exit code."""
    options = read_options()
    log.set_up("WARNING", as_json=False)
    logging.getLogger("teep").addHandler(_Journalling(logging.WARNING))
    _move_clock(options.clock, options.clock_after)
    _shorten(processes, "HEARTBEAT_EXPIRY", EXPIRY)
    _shorten(heartbeat, "_TRUSTED", EXPIRY - 1.5)
    _shorten(Rescuer, "_AVERAGE", _RESCUE)
    _shorten(iteration, "CHECKPOINT_SECONDS", CHECKPOINT)
    for module in (block, starting):
        _shorten(module, "LEASE", int(OPENING * 1000))
    _shorten(watch, "INTERVAL", _WATCH)
    _shorten(leader, "_LEASE", _LEASE)
    # Behind Sentinel it takes longer until all jobs are found that a failover has hidden.
    if "sentinel" not in os.environ["REDIS_URL"]:
        _shorten(watch, "PATIENCE", _PATIENCE)
    _journal_places()
    for feature, outcome in ((Expiry, "expired"), (Batches, "skipped")):
        _journal_what_is_dropped(feature, outcome)
    config = Config(
        redis_url=os.environ["REDIS_URL"],
        concurrency=options.concurrency,
        queues=options.queues,
        timeout=options.timeout,
        heartbeat_interval=_HEARTBEAT,
        average_scheduled_poll_interval=0.5,
    )
    config.error_handlers[:] = [_unless_intended]
    config.server_middleware.add(around(journalled))
    try:
        Worker(config, "tests.chaos.batches.jobs").run()
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


def _journal_places() -> None:
    """Write down each place of an iterable job that Redis has confirmed: the next run must know it."""
    save = places.save

    async def journalled_save(jid: str, executions: int, cursor: bytes, runtime: float, held: Held) -> Saved:
        outcome = await save(jid, executions, cursor, runtime, held)
        if outcome.written:
            journal.saved(json.loads(cursor) or 0)
        return outcome

    _replace(places, "save", journalled_save)


def _journal_what_is_dropped(feature: type[Feature], outcome: str) -> None:
    """Write down, like a run, each job that a feature settles without one."""
    look = feature.admit

    async def journalled_look(self: Feature, unit: Unit, item: Item) -> Barred | None:
        barred = await look(self, unit, item)
        if barred is not None:
            journal.begin(number_of(item), item, JobContext(item).attempt)
            journal.finish(outcome)
        return barred

    _replace(feature, "admit", journalled_look)


def _move_clock(by: float, after: float) -> None:
    """Let this process's clock jump by some seconds, some seconds from now."""
    real, moment = time.time, time.monotonic() + after
    time.time = lambda: real() + by if time.monotonic() >= moment else real()


def _shorten(owner: ModuleType | type, name: str, seconds: float) -> None:
    _replace(owner, name, seconds)


def _replace(owner: ModuleType | type, name: str, value: object) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner!r} has no {name} any more: the chaos suite must find another way")
    setattr(owner, name, value)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("queues", nargs="+")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("--clock", type=float, required=True)
    parser.add_argument("--clock-after", type=float, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
