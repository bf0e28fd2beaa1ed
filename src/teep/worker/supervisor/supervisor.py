"""The supervisor: the parent of several worker processes.

Its duties:
1. Keep as many children as configured. A child that crashes is replaced, at once the first time and then ever more
   slowly. A sibling returns its jobs to the queues at once.
2. Replace a child that grew too large, ran enough jobs, or runs old code. Do so one at a time, the successor first;
   then the old child finishes its jobs, however long they take.
3. Pass signals on: TERM and INT stop, TSTP quiets, TTIN dumps threads. USR2 replaces the supervisor's own program and
   then every child, so that they run new code.
4. Keep a child whose heartbeat is late alive in Redis, through a lifeline.
5. Answer health checks for all children, from their reports, until the last one has ended.

The supervisor has one thread when it forks, and no connection to Redis. It reaches a child by signals and a socket.
Children stop by themselves when their supervisor is gone.
"""

import logging
import os
import selectors
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from teep.clock import monotonic
from teep.config import Config
from teep.errors import ConfigurationError
from teep.telling import Logger
from teep.worker.health.health import Report
from teep.worker.health.systemd import Notifier
from teep.worker.supervisor import handover
from teep.worker.supervisor.child import Child, manner_of_end
from teep.worker.supervisor.health import report_on
from teep.worker.supervisor.health_endpoint import HealthChecks
from teep.worker.supervisor.launcher import SPAWNS, Launcher
from teep.worker.supervisor.rescue import rescue
from teep.worker.supervisor.signals import SignalInbox
from teep.worker.supervisor.slots import Children, Slot, in_words
from teep.worker.supervisor.stop import Stop
from teep.worker.supervisor.supervised import CHANNEL, Channel, serve
from teep.worker.title import set_title

logger = Logger("teep")

# How often (seconds) to look at the clock if nothing else happens.
_TICK = 1.0


class Supervisor:
    """Runs `config.processes` workers and keeps them running, until TERM or INT.

    Args:
        config: the configuration of each worker; `processes`, `max_rss` and `max_jobs` are the supervisor's own.
        modules: the modules that define jobs.
        spawn: start each worker as an interpreter of its own, instead of importing the modules once and forking;
            default: on macOS. A spawned worker, and the supervisor after USR2, run this program's command line anew.
        configured: as for `Worker`; it must leave the supervisor's own settings as in `config`.
        check: called before this program is replaced by a new one, and raises ConfigurationError if that could not
            start; default: no check.
    """

    def __init__(
        self,
        config: Config,
        *modules: str,
        spawn: bool = SPAWNS,
        configured: Callable[[], Config] | None = None,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        self._config = config
        self._modules = modules
        self._configured = configured
        self._check = check
        self._launcher = Launcher(config, modules, configured, spawn=spawn)
        self._children = Children(config.processes)
        self._stop = Stop(self._children, config.timeout)
        self._quiet = False
        self._restarting = False
        self._has_been_up = False
        self._crashed = False
        self._failure = ""
        self._heard_at = monotonic()

    @staticmethod
    def is_needed(config: Config) -> bool:
        """Tell whether `config` needs a supervisor: for several workers, or for one that is replaced now and then.

        True, too, if this process is a supervisor's child or took over from a supervisor, whatever its configuration
        says by now: a worker that began under a supervisor goes on under one.
        """
        if handover.STATE in os.environ or CHANNEL in os.environ:
            return True
        return config.processes > 1 or config.max_rss is not None or config.max_jobs is not None

    def run(self) -> bool:
        """Run until a signal stops it; True if every worker ended in time. A process that it spawned runs a worker.

        Raises:
            ConfigurationError: a module cannot be imported, a worker ended before the first of them was up, or
                health checks cannot be answered at their address, unless workers of a former program serve already.
        """
        channel = Channel.inherited()
        if channel is not None:
            return self._serve(channel)
        self._notifier = Notifier()
        set_title("teep supervisor")
        self._adopt()
        with closing(self._checks):
            with self._checks.meanwhile():
                self._launcher.preload(must=not self._has_been_up)
            self._launcher.make_ready()
            self._supervise()
        if self._failure:
            raise ConfigurationError(self._failure)
        logger.info("bye")
        return not self._stop.has_killed

    def report(self) -> Report:
        """Return the workers' health, as `/live` and `/ready` show it."""
        state = report_on(self._config, self._children.slots, self._children.leaving, self._heard_at)
        return state._replace(ready=False, why=("the workers are stopping",)) if self._stop.has_begun else state

    def _serve(self, channel: Channel) -> bool:
        """Run a worker under the supervisor at the other end; True if every job ended in time."""
        return serve(self._config, self._modules, channel, self._configured)

    def _adopt(self) -> None:
        """Take over the children of this process's former program. All that serve, or soon would, run old code."""
        inheritance = handover.take_over(self._config)
        self._children.leaving = inheritance.leaving
        slots = self._children.slots
        for index, child in enumerate(inheritance.serving):
            if index < len(slots):
                slots[index].serving = child
                slots[index].outdated = "it runs the old code"
            else:
                self._children.drain(child)
        self._has_been_up = any(child.is_up for child in inheritance.serving)
        self._checks = HealthChecks(self._config, self.report, inheritance.listener, must=not self._has_been_up)

    def _supervise(self) -> None:
        self._inbox = SignalInbox()
        logger.info("supervising %s", in_words(self._config.processes))
        while not self._stop.has_begun or self._children:
            self._turn()
        self._inbox.close()
        if self._crashed:
            with self._checks.meanwhile():
                rescue(self._config, self._modules, self._configured)

    def _turn(self) -> None:
        self._wait()
        for name in self._inbox.read():
            self._obey(name)
        for child in self._children:
            if child.is_open:
                self._hear(child)
        self._heard_at = monotonic()
        for child in self._children:
            code = child.poll()
            if code is not None:
                self._ended(child, code)
        if self._stop.has_begun:
            self._stop.kill_late()
        elif self._restarting:
            self._hand_over()
        elif not self._quiet:
            self._fill()
        self._watch()
        self._checks.answer()
        self._notifier.is_alive()

    def _wait(self) -> None:
        """Wait for a signal, a child's message or a health check, for a second at most."""
        with selectors.DefaultSelector() as selector:
            for source in self._sources():
                selector.register(source, selectors.EVENT_READ)
            self._checks.wait_with(selector)
            selector.select(min(_TICK, self._notifier.interval or _TICK))

    def _sources(self) -> Iterator[Any]:
        """Return what it waits for, beside health checks."""
        yield self._inbox
        yield from (child.channel for child in self._children if child.is_open)

    def _obey(self, name: str) -> None:
        if name == "INT":
            self._stop.press()
        if name in ("TERM", "INT") and not self._stop.has_begun:
            once_more = "; press Ctrl-C again to stop now" if name == "INT" else ""
            logger.info("stopping %s on %s%s", in_words(len(self._children)), name, once_more)
            self._begin_stop()
        elif name == "TSTP":
            logger.info("quiet: workers take no more jobs, and are not replaced")
            self._quiet = True
            self._children.send_signal(signal.SIGTSTP)
        elif name == "TTIN":
            self._children.send_signal(signal.SIGTTIN)
        elif name == "USR2" and not self._quiet:
            logger.info("restarting: a new program takes the workers over and replaces them one by one")
            self._restarting = True

    def _hear(self, child: Child) -> None:
        for word, rest in child.hear():
            self._heed(child, word, rest)

    def _heed(self, child: Child, word: str, rest: str) -> None:
        slot = self._children.slot_of(child)
        if word == "beat":
            child.note_beat(rest)
            if slot is not None and child is slot.coming:
                self._let_serve(slot, child)
        elif word == "report":
            child.hear_report(rest)
        elif word == "replace" and slot is not None:
            slot.outdated = rest

    def _let_serve(self, slot: Slot, child: Child) -> None:
        if not self._has_been_up:
            self._notifier.ready()
        self._has_been_up = True
        why = slot.outdated
        replaced = slot.take_over()
        if self._quiet:
            child.send_signal(signal.SIGTSTP)
        if replaced is None:
            logger.info("%s is up", child)
        else:
            logger.info("%s replaces %s, since %s", child, replaced, why)
            now = monotonic()
            slot.backoff.ended(now - replaced.started, now)
            self._children.drain(replaced)

    def _ended(self, child: Child, code: int) -> None:
        manner = manner_of_end(code)
        if child in self._children.leaving:
            self._children.leaving.remove(child)
        crashed = code != 0 and child.is_up
        logger.log(logging.ERROR if crashed else logging.INFO, "%s %s", child, manner)
        if crashed:
            self._crashed = True
            self._have_rescued()
        for slot in self._children.slots:
            if slot.vacate(child):
                self._missing(slot, child, code)

    def _missing(self, slot: Slot, child: Child, code: int) -> None:
        """Decide when a place is filled again. If the very first worker cannot start, the supervisor stops."""
        if self._stop.has_begun or self._quiet:
            return
        if not self._has_been_up and code != 0:
            self._failure = f"{child} {manner_of_end(code)} before it was up; its own message says why"
            self._begin_stop()
            return
        now = monotonic()
        pause = slot.backoff.ended(now - child.started, now)
        if pause:
            logger.warning("%s lived %.0f s; the next one starts in %.0f s", child, now - child.started, pause)

    def _have_rescued(self) -> None:
        """Let a sibling return a dead child's jobs to their queues; if there is none, the successor does later."""
        sibling = next((child for child in self._children if child.is_up and child.is_open), None)
        if sibling is not None:
            sibling.ask_for_rescue()

    def _fill(self) -> None:
        """Start missing children. Successors start one at a time, since each needs the memory of a whole process."""
        for slot in self._children.slots:
            replacing = any(other.is_replacing for other in self._children.slots)
            if slot.needs_child(monotonic()) and not (slot.serving and replacing):
                try:
                    slot.coming = self._launcher.start(self._disown)
                except OSError as error:
                    logger.error("a worker cannot be started: %s", error)  # noqa: TRY400 - the machine is short of something: a traceback tells no more
                    slot.backoff.ended(0.0, monotonic())

    def _disown(self) -> None:
        """Let go, in a fork, of everything that belongs to the supervisor."""
        self._inbox.close()
        for child in self._children:
            child.disown()
        self._checks.close()

    def _watch(self) -> None:
        for child in self._children:
            if child.watch():
                logger.warning(
                    "%s sends no heartbeat, as when a job holds its interpreter: it is kept alive from outside", child
                )

    def _begin_stop(self) -> None:
        self._notifier.stopping()
        self._stop.begin()

    def _hand_over(self) -> None:
        """Let a fresh interpreter take over, as soon as no child is in the middle of ending."""
        if not all(child.is_open for child in self._children):
            return
        self._restarting = False
        self._children.give_up_successors()
        try:
            self._launcher.go_to_start()
            self._check()
            self._checks.finish()
            serving = [*self._children.serving(), *self._children.coming()]
            with self._notifier.handed_on():
                handover.hand_over(self._config, serving, self._children.leaving, self._checks.listener)
        except (OSError, ConfigurationError) as error:
            logger.error("the new program cannot be started, so the old one goes on: %s", error)  # noqa: TRY400 - as above
