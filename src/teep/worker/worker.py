"""The worker: one process that runs jobs.

Its duties, in order:
1. Load the modules that define jobs, check Redis, and enter the registry of processes with jobs in flight.
2. Run the capsules, and beside them the heartbeat, the metrics, the poller, the rescuer and the listener for signals.
3. Quiet: take no more jobs. Stop: let running jobs finish within the timeout, return the others to their queues, and
   leave. Drain: quiet, let running jobs finish however long they take, and stop.
"""

import threading
from collections.abc import Callable
from functools import partial

from teep.clock import monotonic
from teep.config import Config, driver_for
from teep.config.address import Address
from teep.config.handlers import report
from teep.errors import Unhealthy
from teep.runtime import forks, identity
from teep.runtime.component import Component
from teep.runtime.leadership import Leadership
from teep.runtime.notices import Moment, Notices
from teep.runtime.outage import Outage
from teep.telling import Logger
from teep.worker.exit import exit_at_last
from teep.worker.fetch.tallies import Tallies
from teep.worker.health.checks import HealthChecks
from teep.worker.health.health import Health, Report
from teep.worker.health.systemd import Notifier, SignsOfLife
from teep.worker.health.watchdog import LAST_RESORT, Reactions, Watchdog
from teep.worker.lifeline import Lifeline, Watcher
from teep.worker.run import observers
from teep.worker.run.capsules import Capsules
from teep.worker.run.halting import stacks
from teep.worker.run.poison import PoisonGuard
from teep.worker.run.processor import Shared
from teep.worker.services.heartbeat import Heartbeat
from teep.worker.services.rescuer import Rescuer
from teep.worker.services.services import Duties, Services, services_for
from teep.worker.signals import DRAIN, DUMP, QUIET, STOP, Signals
from teep.worker.startup import assignment, claims
from teep.worker.startup.arrival import check_redis, patiently
from teep.worker.startup.introduction import introduce
from teep.worker.startup.lifespan import Lived
from teep.worker.startup.modules import jobs_of, load_all, with_hooks_of
from teep.worker.title import set_title

logger = Logger("teep")


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
        self._capsules = Capsules()
        self._draining = False
        self._signals = Signals()
        self._outage = Outage()
        self._notices = Notices(config)
        self._lock = threading.Lock()
        self._running = False
        self._watcher: Watcher = Lifeline(config) if watcher is None else watcher
        self._services = Services(self.on_error)
        self._lived = Lived(self.on_error)
        self._given_up = ""
        self._checks = HealthChecks(
            Address.parse(config.health) if config.health and answers else None, self.on_error
        )

    def run(self) -> bool:
        """Run until a signal stops the process; True if every job ended in time.

        Raises:
            ConfigurationError: a module cannot be imported, or Redis is set up in a way that cannot work.
            RedisError: Redis cannot be reached.
            Unhealthy: the watchdog gave the process up.
        """
        self._signals.take()
        notifier = Notifier()
        set_title("teep worker")
        self.start(embedded=False)
        if self._running:
            notifier.ready()
        signs = SignsOfLife(notifier, lambda: self.report().live, self.on_error)
        if notifier.interval:
            signs.start()
        while (name := self._next_signal()) not in STOP:
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
            self._checks.start()
            try:
                self._come_up(embedded=embedded)
            except BaseException:
                self._let_go()
                raise
        if not self._running:  # told to stop before Redis was there
            self._let_go()

    def quiet(self) -> None:
        """Take no more jobs. Running ones go on; the process stays up. Idempotent."""
        if self._running and not self._capsules.are_quiet:
            self._capsules.quiet()
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
        clean = self._capsules.stop(deadline, self._signals.presses)
        self._notices.give(Moment("shutdown"))
        with self._lock:
            self._running = False
            self._lived.leave(deadline)
            self._services.stop()
            self._watcher.stop()
            self._let_go()
        self._notices.give(Moment("exit"))
        self._signals.put(STOP[0])  # for `run`, if another thread stopped the worker
        logger.info("bye")
        return clean

    def receive(self, name: str) -> None:
        """Act on a signal as if it had come to the process. Callable from any thread; only `run` acts on it."""
        self._signals.put(name)

    def hurry(self) -> None:
        """Stop at once, as on a second Ctrl-C: running jobs have no more time. No effect before a stop began."""
        self._signals.presses.in_a_hurry = True

    def disown(self) -> None:
        """Become a worker that has not started, in a fork: the running threads and jobs belong to the parent."""
        self._signals.disown()
        self._running, self._lock = False, threading.Lock()
        self.identity = identity.new_identity()
        self.config.hooks.unseal(self)
        self._watcher.disown()
        self._capsules.disown()
        self._services.disown()
        self._capsules, self._services = Capsules(), Services(self.on_error)
        self._lived = Lived(self.on_error)
        self._checks.disown()

    def rescue(self) -> None:
        """Look for dead processes now, and return their jobs to the queues."""
        if self._running:
            self._services.of(Rescuer).turn()

    @property
    def settled(self) -> int:
        """How many ended jobs this worker has reported to Redis."""
        return self._capsules.settled

    def report(self) -> Report:
        """Return this process's health, as `/live` and `/ready` show it. Asks Redis nothing."""
        return self._checks.report()

    def dump_threads(self) -> None:
        """Log the current stack of each thread."""
        for name, stack in stacks.of_all_threads():
            logger.warning("thread %s:\n%s", name, stack)

    def _come_up(self, *, embedded: bool) -> None:
        with claims.kept(embedded=embedded):
            load_all(self.modules)
        if not embedded:
            self._signals.take()  # again, since those modules may have set their own
        self.config = with_hooks_of(self.modules, self.config, self._configured)
        self._watcher = Lifeline(self.config) if self._outside is None else self._outside
        driver = driver_for(self.config)
        if not self._with_redis(lambda: check_redis(driver), embedded=embedded):
            return
        for listener in self.config.listeners("startup"):
            listener()  # one that fails keeps the worker from starting
        self._lived.enter(self.config.hooks.lifespan)
        self.config.hooks.seal(self)
        if not embedded:
            self._signals.take()
        tallies = Tallies()
        self._notices = notices = Notices(self.config, observers.own(self.config, tallies))
        notices.give(Moment("startup"))
        hooks, on_error = self.config.hooks, self.on_error
        component = Component(
            self.config,
            hooks,
            driver,
            self.identity,
            self._outage,
            on_error,
            notices,
            Leadership(),
            self._lived.state,
        )
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
        self._capsules.start()
        self._services.start()
        self._checks.health = Health(component, self._capsules, heartbeat, self._services.of(Watchdog))

    def _with_redis(self, step: Callable[[], None], *, embedded: bool) -> bool:
        """Take a step, and wait for Redis unless the worker is embedded; False if a signal ended the wait."""
        if embedded:
            step()
            return True
        return patiently(step, partial(self._signals.wait, self._obey), self.config.watchdog)

    def _build(self, component: Component, tallies: Tallies, *, embedded: bool) -> None:
        shared = Shared(PoisonGuard(component.driver, self.identity), tallies, threading.Event())
        jobs = jobs_of(self.modules) if self.modules else []
        self._capsules = Capsules.of(component, assignment.capsules_for(self.config, jobs), shared)
        obey = None if embedded else self._from_redis
        reactions = Reactions(self.dump_threads, self._give_up)
        duties = Duties(
            self._capsules, shared.runs, shared.reports, self._watcher, obey, self._capsules.cancel, reactions
        )
        self._services = services_for(component, duties)

    def _from_redis(self, name: str) -> None:
        logger.info("%s came through Redis", name)
        self.receive(name)

    def _next_signal(self) -> str:
        """Wait for a signal. A draining worker gives itself one when its last job has ended."""
        while (name := self._signals.next()) is None:
            if self._draining and not self._capsules.are_busy:
                logger.info("drained: the last job has ended")
                return STOP[0]
        return name

    def _obey(self, name: str) -> None:
        if name in QUIET:
            self.quiet()
        elif name in DRAIN:
            self._draining = True
            self.quiet()
        elif name in DUMP:
            self.dump_threads()
        else:
            logger.warning("there is nothing to do for signal %s", name)

    def _give_up(self, reason: str) -> None:
        """End this process in order, and if that takes too long, at once. Another worker rescues its jobs."""
        self._given_up = reason
        exit_at_last(self.config.timeout + LAST_RESORT)
        self._signals.put(STOP[0])
        # Last, because a write to a stuck standard error blocks.
        logger.critical("%s; this process is given up, and exits", reason)

    def _let_go(self) -> None:
        """Answer no more health checks, stop following forks, and let the configuration's hooks change again."""
        self._lived.leave(monotonic())  # of a worker that did not come up
        self.config.hooks.unseal(self)
        forks.leave(self)
        self._checks.stop()

    def on_error(self, error: BaseException, service: str) -> None:
        """Report an error of a service, or add it to the outage of Redis that it belongs to."""
        if not self._outage.took(error):
            report(self.config, error, {"context": service})
