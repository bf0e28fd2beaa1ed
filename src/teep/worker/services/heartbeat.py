"""The heartbeat: shows this process and its running jobs in Redis, and keeps it from being taken for dead."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from teep.clock import monotonic
from teep.errors import RedisError
from teep.runtime import identity
from teep.runtime.component import Component
from teep.runtime.notices import Moment
from teep.runtime.service import Service
from teep.store import features, processes
from teep.store.running import owners
from teep.telling import Logger
from teep.wire import json
from teep.wire.command import Arg
from teep.worker.lifeline import Watcher, patience
from teep.worker.run.capsule import Capsule
from teep.worker.services.leader import Candidate
from teep.worker.services.process_info import queues_of

logger = Logger("teep")

# For so many seconds after a heartbeat no worker can take this process for dead, with a margin for slow answers.
_TRUSTED = processes.HEARTBEAT_EXPIRY - 10.0


class Heartbeat(Service):
    """Sends a heartbeat every `heartbeat_interval` seconds.

    1. It writes the process hash and the work hash that Sidekiq's API and Web UI read.
    2. It enters the registry of jobs in flight, and lets the capsules compare the jobs they hold with Redis.
    3. If the process had expired (first heartbeat, outage, a long pause), it fires "heartbeat".
    4. It lets the process stand for the leader of the fleet.
    5. It tells the watcher, which sends heartbeats for this process while a job holds the interpreter.
    """

    def __init__(
        self,
        component: Component,
        capsules: Sequence[Capsule],
        watcher: Watcher,
        info: dict[str, Any],
        candidate: Candidate,
    ) -> None:
        super().__init__("heartbeat", component.on_error)
        self._config = component.config
        self._driver = component.driver
        self._info = json.dumps(info)
        self._capsules = capsules
        self._owner = identity.owner(component.identity, tuple(queues_of(capsules)))
        self._outage = component.outage
        self._notices = component.notices
        self._watcher = watcher
        self._candidate = candidate
        self._last = float("inf")

    def run_once(self) -> None:
        started = monotonic()
        self._candidate.check()
        # The measured round trip is useful, too. If Redis has no memory left for a heartbeat, perhaps for hours, the
        # process must not expire, or other workers would run its jobs again.
        if self._driver.run(processes.prolong(self._owner.identity)):
            self._trust(started)
        rtt = monotonic() - started
        work = {thread: entry for capsule in self._capsules for thread, entry in capsule.running.snapshot().items()}
        known = self._driver.run(processes.beat(self._owner.identity, self._fields(len(work), rtt), work))
        # Every time: a failover undoes commands that the replica had not received, such as an acknowledgement or the
        # registration. If the connections were idle meanwhile, no error tells of it.
        self._candidate.beat(owners.registration(self._owner))
        self._driver.run(features.beat(self._owner.identity, [job for each in self._capsules for job in each.jobs]))
        for capsule in self._capsules:
            capsule.fetcher.suspect()
        if not known:
            self._notices.give(Moment("heartbeat"))
        elif started - self._last > patience(self._config):
            logger.warning(
                "no heartbeat for %.0f s: a job held the interpreter, or the machine or Redis did not keep up;"
                " this process was kept alive in Redis", started - self._last,
            )  # fmt: skip
        self._last = started
        self._trust(started)
        self._watcher.beat()
        self._outage.over()
        self._notices.give(Moment("beat"))

    def pause(self) -> float:
        return self._config.heartbeat_interval

    def start(self) -> None:
        self._candidate.start()  # now that the process runs: its first heartbeat comes before that
        super().start()

    def quiet(self) -> None:
        self._candidate.resign()

    def disown(self) -> None:
        super().disown()
        self._candidate.disown()

    def _trust(self, beaten: float) -> None:
        for capsule in self._capsules:
            capsule.fetcher.trust_until(beaten + _TRUSTED)

    def leave(self) -> None:
        """Take the process out of the set, once the last job's end is in Redis or the job is back in its queue."""
        try:
            self._driver.run(processes.leave(self._owner.identity))
            self._driver.run(owners.forget(self._owner.identity, self._owner.queues))
            self._driver.run(features.leave(self._owner.identity))
        except RedisError as error:
            self._on_error(error, self.name)

    def _fields(self, busy: int, rtt: float) -> dict[str, Arg]:
        late = sum(capsule.fetcher.late for capsule in self._capsules)
        # Sidekiq has no such field; without late jobs, the hash is the same as Sidekiq's.
        return ({"late": late} if late else {}) | {
            "info": self._info,
            "busy": busy,
            "beat": repr(time.time()),
            "rtt_us": int(rtt * 1_000_000),
            "quiet": "true" if all(capsule.fetcher.quiet.is_set() for capsule in self._capsules) else "false",
            "rss": rss_in_kb(),
            "concurrency": self._config.total_concurrency,
        }


def rss_in_kb() -> int:
    """Return this process's resident memory in KB (without /proc its highest value so far; 0 if unknown)."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return _most_rss_in_kb()
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _most_rss_in_kb() -> int:
    try:
        import resource  # noqa: PLC0415 - Windows has none, and the package imports there
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most
