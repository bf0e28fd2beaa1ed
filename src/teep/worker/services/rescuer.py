"""Returns the jobs of dead processes to their queues, except jobs that keep killing their process."""

import time
from collections.abc import Collection
from datetime import UTC, datetime

from teep.config.handlers import report
from teep.errors import MalformedPayload, PoisonJob, RedisCommandError
from teep.runtime.component import Component
from teep.runtime.identity import is_gone
from teep.runtime.interval import spread
from teep.runtime.notices import Died, Rescued
from teep.runtime.refusals import Refusals
from teep.runtime.service import Service
from teep.store import processes
from teep.store.jobs import jobsets
from teep.store.running import orphans, owners, rescue
from teep.store.running.outcome import Outcome
from teep.store.running.owners import Owner
from teep.telling import Logger
from teep.wire import payload
from teep.wire.payload import Item
from teep.wire.stored import Stored
from teep.worker.run.failure import failure
from teep.worker.run.poison import POISON

logger = Logger("teep")

# For so many seconds after an outage, an expired heartbeat proves nothing. After a long outage every process looks
# dead until its next heartbeat reaches Redis.
_GRACE = 10.0


class Rescuer(Service):
    """Looks for dead processes: before its own takes any job, then about every 5 seconds over the whole fleet.

    1. It does not wait if this machine can see that the pid is gone. Otherwise it waits for the heartbeat to expire,
       and for ten seconds without an outage, in which living processes send their next heartbeat.
    2. It marks each job that it returns to its queue. A marked job that ran when its process died is marked once
       more. At the third time it goes to the dead set instead.
    3. It takes a step in search of jobs in flight whose process is not registered, and registers that process.
    """

    _AVERAGE = 5.0

    def __init__(self, component: Component) -> None:
        super().__init__("rescuer", component.on_error)
        self._config = component.config
        self._driver = component.driver
        self._identity = component.identity
        self._outage = component.outage
        self._notices = component.notices
        self._refusals = Refusals(self._AVERAGE)

    def run_once(self) -> None:
        for owner in self._driver.run(owners.registered(self._report_damage)):
            if owner.identity == self._identity or (self._outage.in_touch < _GRACE and not is_gone(owner)):
                continue
            self._rescue(owner)
        for owner in self._driver.run(orphans.walk()):
            logger.warning(
                "found jobs in flight of %s, which Redis has forgotten; they are rescued unless it lives",
                owner.identity,
            )

    def _rescue(self, owner: Owner) -> None:
        day = datetime.now(UTC).date()
        try:
            moved = self._driver.run(rescue.rescue(owner, is_gone, self._judge, self._died, day))
        except RedisCommandError as error:
            # The next turn tries again; other processes' jobs are rescued meanwhile.
            for reason in self._refusals.note([str(error)]):
                logger.error("not all jobs of %s, which died, can be rescued: %s", owner.identity, reason)  # noqa: TRY400 - Redis's words say it all
            return
        for queue, count in (moved or {}).items():
            logger.warning("rescued %d jobs of %s, which died, into %s", count, owner.identity, queue)
            self._notices.give(Rescued(owner.identity, queue, count))

    def pause(self) -> float:
        return spread(self._driver.run(processes.count()), self._AVERAGE)

    def _judge(self, queue: str, raw: bytes, started: Collection[str]) -> bytes | Outcome:
        item = Stored(raw).item
        if item is None:
            return raw
        try:
            return self._after(queue, raw, item, started)
        except Exception as error:  # noqa: BLE001 - another producer may have put anything into any field
            report(self._config, error, {"context": "a payload unfit for a mark, put back as it is", "raw": raw})
            return raw

    def _after(self, queue: str, raw: bytes, item: Item, started: Collection[str]) -> bytes | Outcome:
        rescues, jid = payload.rescues(item), item.get("jid")
        if rescues and type(jid) is str and jid not in started:
            return raw  # reserved ahead only: it never ran there
        if rescues + 1 < POISON:
            return payload.rescued(raw, item, rescues + 1)
        return failure.poisoned(self._config, queue, raw, item, _reason(), time.time())

    def _died(self, end: Outcome) -> None:
        item, reason = payload.parse(end.payload), _reason()
        named = {"class": item["class"], "jid": item.get("jid")}
        logger.error("a job is dead: %s", reason, extra={"teep": named})
        self._notices.give(Died(item, reason))
        self._driver.run(jobsets.trim_dead(time.time(), self._config.dead_limits))

    def _report_damage(self, error: MalformedPayload) -> None:
        self._on_error(error, self.name)


def _reason() -> PoisonJob:
    return PoisonJob(f"{POISON} processes died with this job in flight, the last {POISON - 1} while they ran it")
