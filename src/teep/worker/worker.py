"""The worker: one process that runs jobs.

Its duties, in order:
1. Load the modules that define jobs, check Redis, and enter the registry of processes with jobs in flight.
2. Run the capsule, and beside it the heartbeat, the poller, the rescuer and the listener for signals.
3. Quiet: take no more jobs. Stop: let running jobs finish within the timeout, put the others back, and leave.
"""

import importlib
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from types import FrameType
from typing import Any

from teep.config import Config, driver_for
from teep.config.address import Address
from teep.config.handlers import report
from teep.config.value import Event
from teep.drivers import Driver
from teep.errors import ConfigurationError, RedisCommandError, RedisError, Unhealthy
from teep.version import __version__
from teep.wire import commands
from teep.worker import identity
from teep.worker.capsule import Capsule
from teep.worker.endpoint import Endpoint
from teep.worker.health import STARTING, Health, Report
from teep.worker.heartbeat import Heartbeat
from teep.worker.outage import Outage
from teep.worker.poller import Poller
from teep.worker.rescuer import Rescuer
from teep.worker.service import Service
from teep.worker.signals import SignalListener
from teep.worker.suspects import Suspects
from teep.worker.watchdog import Watchdog

logger = logging.getLogger("teep")

_STOP = ("TERM", "INT")
_QUIET = ("TSTP",)
_DUMP = ("TTIN",)
# Seconds beyond the timeout that a process which is given up has for its orderly end.
_LAST_RESORT = 5.0


class Worker:
    """Runs jobs in this process.

    `run` blocks and takes the process's signals: TERM and INT stop, TSTP quiets, TTIN logs what each thread does.
    `start`, `quiet` and `stop` are for embedding; nothing from outside can then stop the process.
    """

    def __init__(self, config: Config, *modules: str) -> None:
        self.config = config
        self.modules = modules
        self.identity = identity.new_identity()
        self._signals: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._outage = Outage()
        self._lock = threading.Lock()
        self._running = False
        self._given_up = ""
        self._health: Health | None = None
        self._endpoint = Endpoint(Address.parse(config.health), self.report) if config.health else None

    def run(self) -> bool:
        """Run until a signal stops the process; True where every job ended in time.

        Raises:
            ConfigurationError: a module cannot be imported, or Redis is unfit.
            RedisError: there is no Redis.
            Unhealthy: the watchdog gave the process up.
        """
        for name in (*_STOP, *_QUIET, *_DUMP):
            signal.signal(getattr(signal, f"SIG{name}"), self._on_signal)
        self.start(embedded=False)
        while (name := self._signals.get()) not in _STOP:
            self._obey(name)
        logger.info("stopping on %s; running jobs have %.0f s", name, self.config.timeout)
        clean = self.stop()
        if self._given_up:
            raise Unhealthy(self._given_up)
        return clean

    def start(self, *, embedded: bool = True) -> None:
        """Start running jobs, and return. Idempotent."""
        with self._lock:
            if self._running:
                return
            if self._endpoint is not None:
                self._endpoint.start()
            try:
                self._come_up(embedded=embedded)
            except BaseException:
                self._stop_answering()
                raise
        logger.info(
            "teep %s runs %s with concurrency %d as %s",
            __version__, ", ".join(self._capsule.order.weights), self.config.concurrency, self.identity,
        )  # fmt: skip

    def quiet(self) -> None:
        """Take no more jobs. Running ones go on; the process stays up. Idempotent."""
        if self._running and not self._capsule.fetcher.quiet.is_set():
            self._capsule.quiet()
            self._poller.stop()
            # Said when it is so: whoever reads this line can rely on it.
            logger.info("quiet: no more jobs are taken")
            self._fire("quiet")

    def stop(self, timeout: float | None = None) -> bool:
        """Stop within `timeout` seconds (default: the configured one); True where every job ended.

        Jobs that do not finish in time go back to the front of their queues, with no attempt used up. Idempotent.
        """
        if not self._running:
            return True
        deadline = time.monotonic() + (self.config.timeout if timeout is None else timeout)
        self.quiet()
        clean = self._capsule.stop(deadline)
        self._fire("shutdown")
        with self._lock:
            self._running = False
            for service in reversed(self._services):
                service.stop()
            self._heartbeat.leave()
            self._stop_answering()
        self._fire("exit")
        self._signals.put(_STOP[0])  # for `run`, where another thread stopped the worker
        logger.info("bye")
        return clean

    def report(self) -> Report:
        """Return how this process is, as `/live` and `/ready` tell it. Asks Redis nothing."""
        return STARTING if self._health is None else self._health.report()

    def dump_threads(self) -> None:
        """Log what each thread does right now."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():  # noqa: SLF001 - Python's documented way
            stack = "".join(traceback.format_stack(frame))
            logger.warning("thread %s:\n%s", names.get(ident, ident), stack)

    def _come_up(self, *, embedded: bool) -> None:
        for module in self.modules:
            _load(module)
        driver = driver_for(self.config)
        _check_redis(driver)
        self._fire("startup")
        self._build(driver, embedded=embedded)
        # The first heartbeat comes before the first reservation: from then on, whatever happens, someone finds
        # what is in flight here, and no one takes this process for dead.
        self._heartbeat.run_once()
        self._running = True
        self._heartbeat.start()
        # Before the first fetch: what a crash left comes before anything that still waits.
        self._rescuer.turn()
        self._capsule.start()
        for service in self._services:
            service.start()
        self._health = Health(self.identity, [self._capsule], self._heartbeat, self._outage, self._watchdog)

    def _build(self, driver: Driver, *, embedded: bool) -> None:
        suspects = Suspects(driver, self.identity)
        capsule = Capsule(self.config, driver, self.identity, self._outage, suspects)
        owner = identity.owner(self.identity, tuple(capsule.order.weights))
        self._capsule = capsule
        self._heartbeat = Heartbeat(
            self.config, driver, self._info(capsule, embedded=embedded), capsule, owner, self._outage, self._on_error
        )
        self._poller = Poller(self.config, driver, self._on_error)
        self._rescuer = Rescuer(self.config, driver, self.identity, self._outage, self._on_error)
        self._services: list[Service] = [self._heartbeat, self._poller, self._rescuer]
        if not embedded:
            self._services.append(SignalListener(driver, self.identity, self._from_redis, self._on_error))
        self._watchdog = Watchdog(
            [capsule.fetcher],
            self._heartbeat,
            self._outage,
            0.0 if embedded else self.config.watchdog,  # another program's process is not teep's to end
            self.dump_threads,
            self._give_up,
            self._on_error,
        )
        self._services.append(self._watchdog)

    def _info(self, capsule: Capsule, *, embedded: bool) -> dict[str, Any]:
        weights = dict(capsule.order.weights)
        return {
            "hostname": identity.hostname(),
            "started_at": time.time(),
            "pid": os.getpid(),
            "tag": self.config.tag,
            # Sidekiq before 8.1.2 reads the concurrency here, later ones in a field of its own.
            "concurrency": self.config.concurrency,
            "capsules": {
                "default": {
                    "concurrency": self.config.concurrency,
                    "mode": capsule.order.mode,
                    "weights": weights,
                }
            },
            "queues": list(weights),
            "weights": [weights],
            "labels": list(self.config.labels),
            "identity": self.identity,
            "version": f"teep {__version__}",
            "embedded": embedded,
        }

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.put(signal.Signals(number).name.removeprefix("SIG"))

    def _from_redis(self, name: str) -> None:
        logger.info("%s came through Redis", name)
        self._signals.put(name)

    def _obey(self, name: str) -> None:
        if name in _QUIET:
            self.quiet()
        elif name in _DUMP:
            self.dump_threads()
        else:
            logger.warning("there is nothing to do for signal %s", name)

    def _fire(self, event: Event) -> None:
        for listener in self.config.listeners(event):
            try:
                listener()
            except Exception as error:
                if event == "startup":
                    raise
                report(self.config, error, {"context": f"{event} listener"})

    def _give_up(self, reason: str) -> None:
        """End this process in an orderly way, and if that cannot be, at once; what is in flight will be rescued."""
        self._given_up = reason
        last_resort = threading.Timer(self.config.timeout + _LAST_RESORT, os._exit, (1,))
        last_resort.daemon = True
        last_resort.start()
        self._signals.put(_STOP[0])
        # Last: where standard error is stuck, so is whoever writes to it.
        logger.critical("%s; this process is given up, and exits", reason)

    def _stop_answering(self) -> None:
        self._health = None
        if self._endpoint is not None:
            self._endpoint.stop()

    def _on_error(self, error: BaseException, service: str) -> None:
        # An error of one command is its own, unless Redis is away as a whole: then it is one more of its signs.
        if isinstance(error, RedisError) and (self._outage.goes_on or not isinstance(error, RedisCommandError)):
            self._outage.began(error)
        else:
            report(self.config, error, {"context": service})


def _load(module: str) -> None:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise ConfigurationError(
            f"there is no module {module!r}; name it as Python imports it, from the folder it lies in"
        ) from error


def _check_redis(driver: Driver) -> None:
    """Say so where Redis may drop jobs to make room."""
    memory = driver.execute(commands.info("memory"))
    policy = next(
        (line.partition(":")[2] for line in memory.splitlines() if line.startswith("maxmemory_policy:")), ""
    )
    if policy not in ("", "noeviction"):
        logger.warning("Redis evicts keys (maxmemory-policy %s), so it may drop jobs; set noeviction", policy)
