"""Stands for the leader of the fleet, and begins what the leader does."""

import threading
from collections.abc import Callable, Collection
from typing import Any

from teep.clock import monotonic
from teep.config.hooks import BackgroundService
from teep.errors import RedisCommandError, RedisError
from teep.runtime.component import Component
from teep.runtime.notices import Moment
from teep.runtime.refusals import Refusals
from teep.store import leader
from teep.store.leader import Candidacy
from teep.telling import Logger
from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts import Elected

logger = Logger("teep")

# Seconds that a lease lasts, or three heartbeats if these are rare.
_LEASE, _BEATS = 15.0, 3
_PATIENCE = 60.0


class Candidate:
    """Stands for the leader at each heartbeat of its process, in a round trip that the heartbeat makes anyway.

    1. A process stands once it runs, unless `leader="never"`, or the watchdog complains. When it takes no more jobs,
       it gives the lease up, and stands no more.
    2. While it leads, it begins the services of `hooks.leader_services`: some at once, others when there is something
       for them to do. `begin` starts a service that ends with the worker.
    """

    def __init__(
        self, component: Component, begin: Callable[[BackgroundService], None], complaint: Callable[[], str]
    ) -> None:
        config = component.config
        self._component = component
        self._driver = component.driver
        self._leadership = component.leadership
        self._complaint = complaint
        self._begin = begin
        self._candidacy = Candidacy(
            component.identity,
            component.fence.lease,
            max(_LEASE, _BEATS * config.heartbeat_interval),
            config.leader == "prefer",
        )
        self._tasks = [
            (task, task.occasion(config))
            for task in component.hooks.tasks_of_the_leader()
            if not task.option or getattr(config, task.option)
        ]  # not begun yet, each with the key that it waits for, or None
        self._refusals = Refusals(_PATIENCE)
        self._led = False
        self._stands = self._is_over = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Stand from now on."""
        with self._lock:
            self._stands = self._component.config.leader != "never" and not self._is_over

    def beat(self, beside: Command[Any]) -> None:
        """Send a command of the heartbeat, and stand beside it.

        Raises:
            RedisError: Redis is away, or refuses that command. If it refuses the other, that is logged.
        """
        if (complaint := self._complaint()) and self._stands:
            self._give_up(complaint)
        if complaint or not self._stands:
            self._driver.execute(beside)
            return
        asked = monotonic()
        occasions = [key for _, key in self._tasks if key is not None] if self._leadership.leads else []
        try:
            elected, there = self._driver.run(leader.stand(self._candidacy, beside, occasions))
        except RedisCommandError as error:
            self._driver.execute(beside)  # raises if this is what Redis refuses
            self._refused(error)
            return
        self._refusals.over()
        self._take(elected, asked)
        if self._leadership.leads:
            self._begin_all({None, *(key for key, has_come in zip(occasions, there, strict=True) if has_come)})

    def check(self) -> None:
        """Notice that the lease has run out, as in an outage."""
        if not self._leadership.leads:
            self._followed("it could not be renewed in time")

    def resign(self) -> None:
        """Give the lease up, and stand no more. One round trip if this process leads, or is preferred."""
        with self._lock:
            stood, self._stands, self._is_over = self._stands, False, True
        if stood:
            self._give_up("this process takes no more jobs")

    def disown(self) -> None:
        """Lead no more, in a fork; the parent goes on."""
        self._stands, self._led, self._lock = False, False, threading.Lock()
        self._leadership.end()

    def _take(self, elected: Elected, asked: float) -> None:
        if elected.leader != self._candidacy.identity:
            self._leadership.end()
            self._followed(f"{elected.leader} does")
            return
        self._leadership.renew(elected.term, asked + self._candidacy.seconds)
        with self._lock:
            begins = self._stands and not self._led
            self._led = self._stands
        if not self._led:  # it was to resign while the answer was under way
            self._give_up("this process takes no more jobs")
            return
        if begins:
            logger.info("this process leads the fleet; term %d", elected.term)
            self._component.notices.give(Moment("leader"))

    def _give_up(self, why: str) -> None:
        # One that is preferred may wait for the lease. Else it has run out, or another thread is about to give it up.
        if not (self._leadership.leads or self._candidacy.is_preferred):
            self._followed(why)
            return
        self._leadership.end()
        try:
            # In an outage the lease runs out by itself, and nobody must wait for that.
            if not self._component.outage.goes_on:
                self._driver.run(leader.resign(self._candidacy))
        except RedisError as error:
            self._component.on_error(error, "leader")
        self._followed(why)

    def _followed(self, why: str) -> None:
        with self._lock:
            led, self._led = self._led, False
        if led:
            logger.info("this process leads the fleet no longer: %s", why)
            self._component.notices.give(Moment("follower"))

    def _refused(self, error: RedisCommandError) -> None:
        for reason in self._refusals.note([str(error)]):
            logger.error("Redis refuses this process the lead of the fleet: %s", reason)

    def _begin_all(self, occasions: Collection[Key | None]) -> None:
        due = [task for task, key in self._tasks if key in occasions]
        self._tasks = [(task, key) for task, key in self._tasks if key not in occasions]
        for task in due:
            try:
                service = task.make(self._component)
                with self._lock:  # against a stop, which would not see it
                    if self._stands:
                        self._begin(service)
            except Exception as error:  # noqa: BLE001 - reported; an extension may raise anything
                self._component.on_error(error, task.name)
