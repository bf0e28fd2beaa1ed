"""The worker: one process that runs jobs.

Its duties, in order:
1. Load the modules that define jobs, check Redis, and enter the registry of processes with jobs in flight.
2. Run the capsules, and beside them the heartbeat, the metrics, the poller, the rescuer and the listener for signals.
3. Quiet: take no more jobs. Stop: let running jobs finish within the timeout, return the others to their queues, and
   leave. Drain: quiet, let running jobs finish however long they take, and stop.
"""

import contextlib
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable

from teep.clock import monotonic
from teep.config import Config, driver_for
from teep.config.address import Address
from teep.config.handlers import report
from teep.errors import RedisCommandError, RedisError, Unhealthy
from teep.runtime import forks, identity
from teep.runtime.component import Component
from teep.runtime.notices import Moment, Notices
from teep.runtime.outage import Outage
from teep.telling import Logger
from teep.worker.fetch.tallies import Tallies
from teep.worker.health.endpoint import Endpoint
from teep.worker.health.health import STARTING, Health, Report
from teep.worker.health.systemd import Notifier, SignsOfLife
from teep.worker.health.watchdog import LAST_RESORT, Reactions, Watchdog
from teep.worker.lifeline import Lifeline, Watcher
from teep.worker.run import observers
from teep.worker.run.capsule import LAST_MOMENT, Capsule
from teep.worker.run.poison import PoisonGuard
from teep.worker.run.processor import Shared
from teep.worker.services.heartbeat import Heartbeat
from teep.worker.services.rescuer import Rescuer
from teep.worker.services.services import Duties, Services, services_for
from teep.worker.signals import KILLED_BY_INT, Presses, SignalHandlers
from teep.worker.startup import assignment, claims
from teep.worker.startup.arrival import check_redis, patiently
from teep.worker.startup.introduction import introduce
from teep.worker.startup.modules import jobs_of, load_all, with_hooks_of
from teep.worker.title import set_title

logger = Logger("teep")

_STOP = ("TERM", "INT")
_QUIET = ("TSTP",)
_DUMP = ("TTIN",)
_DRAIN = ("USR2",)
# How long (seconds) the main thread waits at a time. A signal does not cut the wait short if another thread takes it,
# or if it comes in the instant before the wait. Python would then call the handler only at the next signal.
_LOOK = 0.2


class Worker:
    """Runs jobs in this process.

    `run` blocks and takes the process's signals: TERM and INT stop, TSTP quiets, TTIN logs every thread's stack,
    USR2 drains. `start`, `quiet` and `stop` are for embedding; nothing from outside can then stop the worker.

    Args:
        config: the configuration.
        modules: the modules that define jobs.
        watcher: keeps the worker known to Redis while a job holds the interpreter; default: a process of its own.
        answers: False if a supervisor answers health checks at `config.health` for this worker.
        configured: returns the worker's configuration once the modules are imported, all but `health`, for modules
            that change it; default: `config`.
    """

    def __init__(
        self,
        config: Config,
        *modules: str,
        watcher: Watcher | None = None,
        answers: bool = True,
        configured: Callable[[], Config] | None = None,
    ) -> None:
        self.config = config
        self.modules = modules
        self.identity = identity.new_identity()
        self._configured = configured
        self._outside = watcher
        self._capsules: list[Capsule] = []
        self._draining = False
        self._signals: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._handlers = SignalHandlers((*_STOP, *_QUIET, *_DUMP, *_DRAIN), self._on_signal)
        self._presses = Presses()
        self._outage = Outage()
        self._notices = Notices(config)
        self._lock = threading.Lock()
        self._running = False
        self._watcher: Watcher = Lifeline(config) if watcher is None else watcher
        self._services = Services(self.on_error)
        self._given_up = ""
        self._health: Health | None = None
        self._address = Address.parse(config.health) if config.health and answers else None
        self._endpoint: Endpoint | None = None

    def run(self) -> bool:
        """Run until a signal stops the process; True if every job ended in time.

        Raises:
            ConfigurationError: a module cannot be imported, or Redis is set up in a way that cannot work.
            RedisError: Redis cannot be reached.
            Unhealthy: the watchdog gave the process up.
        """
        self._handlers.take()
        notifier = Notifier()
        set_title("teep worker")
        self.start(embedded=False)
        if self._running:
            notifier.ready()
        signs = SignsOfLife(notifier, lambda: self.report().live, self.on_error)
        if notifier.interval:
            signs.start()
        while (name := self._next_signal()) not in _STOP:
            self._obey(name)
        once_more = "; press Ctrl-C again to stop now" if name == "INT" else ""
        logger.info("stopping on %s; running jobs have %.0f s%s", name, self.config.timeout, once_more)
        notifier.stopping()
        clean = self.stop()
        signs.stop()
        if self._given_up:
            raise Unhealthy(self._given_up)
        return clean

    def start(self, *, embedded: bool = True) -> None:
        """Start running jobs, and return. Idempotent."""
        with self._lock:
            if self._running:
                return
            forks.enter(self)
            if self._address is not None:
                self._endpoint = Endpoint(self._address, self.report, self.on_error)
                self._endpoint.start()
            try:
                self._come_up(embedded=embedded)
            except BaseException:
                self._let_go()
                raise
        if not self._running:  # told to stop before Redis was there
            self._let_go()

    def quiet(self) -> None:
        """Take no more jobs. Running ones go on; the process stays up. Idempotent."""
        if self._running and not all(capsule.fetcher.quiet.is_set() for capsule in self._capsules):
            for capsule in self._capsules:
                capsule.quiet()
            self._services.quiet()
            # Logged last, so that the line can be relied on.
            logger.info("quiet: no more jobs are taken")
            self._notices.give(Moment("quiet"))

    def stop(self, timeout: float | None = None) -> bool:
        """Stop within `timeout` seconds (default: the configured one); True if every job ended.

        Jobs that do not finish in time return to the front of their queues without counting an attempt. Idempotent.
        """
        if not self._running:
            return True
        deadline = monotonic() + (self.config.timeout if timeout is None else timeout)
        self.quiet()
        # One after the other: all have the same deadline, and Python starts no thread at a process's end.
        for capsule in self._capsules:
            capsule.stop(deadline, self._presses)
        last = monotonic() + LAST_MOMENT
        stops = [capsule.join(last, self._presses) for capsule in self._capsules]
        self._notices.give(Moment("shutdown"))
        with self._lock:
            self._running = False
            self._services.stop()
            self._watcher.stop()
            self._let_go()
        self._notices.give(Moment("exit"))
        self._signals.put(_STOP[0])  # for `run`, if another thread stopped the worker
        logger.info("bye")
        return all(stops)

    def receive(self, name: str) -> None:
        """Act on a signal as if it had come to the process. Callable from any thread; only `run` acts on it."""
        self._signals.put(name)

    def hurry(self) -> None:
        """Stop at once, as on a second Ctrl-C: running jobs have no more time. No effect before a stop began."""
        self._presses.in_a_hurry = True

    def disown(self) -> None:
        """Become a worker that has not started, in a fork: the running threads and jobs belong to the parent."""
        self._handlers.restore()
        self._running, self._lock = False, threading.Lock()
        self._signals, self._presses = queue.SimpleQueue(), Presses()
        self.identity = identity.new_identity()
        self.config.hooks.unseal(self)
        self._watcher.disown()
        for capsule in self._capsules:
            capsule.disown()
        self._services.disown()
        self._capsules, self._services = [], Services(self.on_error)
        if self._endpoint is not None:
            self._endpoint.close()
        self._endpoint = self._health = None

    def rescue(self) -> None:
        """Look for dead processes now, and return their jobs to the queues."""
        if self._running:
            self._services.of(Rescuer).turn()

    @property
    def settled(self) -> int:
        """How many ended jobs this worker has reported to Redis."""
        return sum(capsule.fetcher.settled for capsule in self._capsules)

    def report(self) -> Report:
        """Return this process's health, as `/live` and `/ready` show it. Asks Redis nothing."""
        return STARTING if self._health is None else self._health.report()

    def dump_threads(self) -> None:
        """Log the current stack of each thread."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():  # noqa: SLF001 - Python's documented way
            stack = "".join(traceback.format_stack(frame))
            logger.warning("thread %s:\n%s", names.get(ident, ident), stack)

    def _come_up(self, *, embedded: bool) -> None:
        if embedded:
            claims.keep_loggers()
            claims.check_threads()
            load_all(self.modules)
        else:
            with claims.kept():
                load_all(self.modules)
            self._handlers.take()  # again, since those modules may have set their own
        self.config = with_hooks_of(self.modules, self.config, self._configured)
        self._watcher = Lifeline(self.config) if self._outside is None else self._outside
        driver = driver_for(self.config)
        if not self._with_redis(lambda: check_redis(driver), embedded=embedded):
            return
        for listener in self.config.listeners("startup"):
            listener()  # one that fails keeps the worker from starting
        self.config.hooks.seal(self)
        if not embedded:
            self._handlers.take()
        tallies = Tallies()
        self._notices = notices = Notices(self.config, observers.own(self.config, tallies))
        notices.give(Moment("startup"))
        hooks, on_error = self.config.hooks, self.on_error
        component = Component(self.config, hooks, driver, self.identity, self._outage, on_error, notices)
        self._build(component, tallies, embedded=embedded)
        # The first heartbeat comes before the first reservation. From then on the jobs in flight here can be found,
        # and no other worker takes this process for dead.
        heartbeat = self._services.of(Heartbeat)
        if not self._with_redis(heartbeat.run_once, embedded=embedded):
            return
        # This, too, comes before the first job, which might hold the interpreter from its first moment.
        self._watcher.start(self.identity)
        self._running = True
        introduce(self.config, self.identity, self.modules, self._capsules)
        heartbeat.start()
        # Before the first fetch: jobs that a crash left come before jobs that still wait.
        self._services.of(Rescuer).turn()
        for capsule in self._capsules:
            capsule.start()
        self._services.start()
        self._health = Health(component, self._capsules, heartbeat, self._services.of(Watchdog))

    def _with_redis(self, step: Callable[[], None], *, embedded: bool) -> bool:
        """Take a step, and wait for Redis unless the worker is embedded; False if a signal ended the wait."""
        if embedded:
            step()
            return True
        return patiently(step, self._may_go_on, self.config.watchdog)

    def _may_go_on(self, seconds: float) -> bool:
        """Wait for so many seconds while nothing runs yet; False if a signal says to stop."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                name = self._signals.get(timeout=min(left, _LOOK))
                if name in _STOP:
                    self._signals.put(name)
                    return False
                self._obey(name)
        return True

    def _build(self, component: Component, tallies: Tallies, *, embedded: bool) -> None:
        shared = Shared(PoisonGuard(component.driver, self.identity), tallies)
        jobs = jobs_of(self.modules) if self.modules else []
        self._capsules = [
            Capsule(component, name, own, shared) for name, own in assignment.capsules_for(self.config, jobs).items()
        ]
        obey = None if embedded else self._from_redis
        reactions = Reactions(self.dump_threads, self._give_up)
        duties = Duties(self._capsules, shared.runs, self._watcher, obey, self._cancel, reactions)
        self._services = services_for(component, duties)

    def _on_signal(self, name: str) -> None:
        if name == "INT":
            self._presses.note()
            if self._presses.too_often:
                os._exit(KILLED_BY_INT)
        self._signals.put(name)

    def _from_redis(self, name: str) -> None:
        logger.info("%s came through Redis", name)
        self.receive(name)

    def _cancel(self, jid: str) -> None:
        for capsule in self._capsules:
            capsule.cancel(jid)

    def _next_signal(self) -> str:
        """Wait for a signal. A draining worker gives itself one when its last job has ended."""
        while True:
            try:
                return self._signals.get(timeout=_LOOK)
            except queue.Empty:
                if self._draining and not any(capsule.busy for capsule in self._capsules):
                    logger.info("drained: the last job has ended")
                    return _STOP[0]

    def _obey(self, name: str) -> None:
        if name in _QUIET:
            self.quiet()
        elif name in _DRAIN:
            self._draining = True
            self.quiet()
        elif name in _DUMP:
            self.dump_threads()
        else:
            logger.warning("there is nothing to do for signal %s", name)

    def _give_up(self, reason: str) -> None:
        """End this process in order, and if that takes too long, at once. Another worker rescues its jobs."""
        self._given_up = reason
        last_resort = threading.Timer(self.config.timeout + LAST_RESORT, os._exit, (1,))
        last_resort.daemon = True
        last_resort.start()
        self._signals.put(_STOP[0])
        # Last, because a write to a stuck standard error blocks.
        logger.critical("%s; this process is given up, and exits", reason)

    def _let_go(self) -> None:
        """Answer no more health checks, stop following forks, and let the configuration's hooks change again."""
        self.config.hooks.unseal(self)
        forks.leave(self)
        self._health = None
        if self._endpoint is not None:
            self._endpoint.stop()
            self._endpoint.close()
            self._endpoint = None

    def on_error(self, error: BaseException, service: str) -> None:
        """Report an error of a service, or add it to the outage of Redis that it belongs to."""
        # The error of a single command is reported, unless Redis is away: then it belongs to the outage.
        if isinstance(error, RedisError) and (self._outage.goes_on or not isinstance(error, RedisCommandError)):
            self._outage.began(error)
        else:
            report(self.config, error, {"context": service})
