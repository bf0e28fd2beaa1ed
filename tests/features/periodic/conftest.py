"""Clocks of periodic jobs whose time the test sets."""

import itertools
from typing import Any

import msgspec
import pytest

import teep
from teep.config import periodic as declaring
from teep.features.periodic.clock import Clock
from teep.runtime.component import Component
from teep.store.periodic import entries
from tests.support.servers import Server

START = 1_780_012_800.0
"""A whole hour, at which the tests begin."""


class SetClock(Clock):
    """A clock that takes the test's time for Redis's."""

    at = START

    def _now(self) -> float:
        return self.at


class Times:
    """A server, and leaders whose clocks the test moves."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.config = teep.Config(redis_url=server.url)
        self.errors: list[BaseException] = []
        self._terms = itertools.count(1)

    def component(self, config: teep.Config | None = None, identity: str = "me") -> Component:
        return Component.alone(config or self.config, lambda error, _: self.errors.append(error), identity)

    def leader(self, config: teep.Config | None = None, *, at: float = START) -> SetClock:
        """Return the clock of a process that leads, in a term of its own."""
        component = self.component(config)
        component.leadership.renew(next(self._terms), float("inf"))
        self.server.command("SET", "teep:leader", component.identity)
        clock = SetClock(component)
        clock.at = at
        return clock

    def create(
        self, name: str, schedule: str, job: Any = "SomeJob", *args: Any, at: float = START, **how: Any
    ) -> None:
        """Add an entry, at a time."""
        made = declaring.entry_of(schedule, declaring.payload_of(job, args), declaring.How(**how), name)
        self.component().driver.run(entries.put(made, at))

    def turn(self, clock: SetClock, at: float | None = None) -> None:
        """Let a clock look for changes and take a turn, at a time."""
        if at is not None:
            clock.at = at
        for _ in range(2):
            clock._look_at = 0.0
            clock.run_once()

    def jobs(self, queue: str = "default") -> list[dict[str, Any]]:
        """The jobs in a queue, the oldest first."""
        found = self.server.command("LRANGE", f"queue:{queue}", 0, -1)
        return [msgspec.json.decode(raw) for raw in reversed(found)]

    def ticks(self, queue: str = "default") -> list[float]:
        """The ticks of the jobs in a queue, in seconds after the start."""
        return [job["tick"] - START for job in self.jobs(queue)]

    def states(self, name: str) -> list[str]:
        """How the last runs of an entry ended, the newest first."""
        found = teep.PeriodicSet(config=self.config).get(name)
        assert found is not None
        return [run.state for run in found.history()]


@pytest.fixture
def times(server: Server) -> Times:
    return Times(server)


@pytest.fixture(autouse=True)
def _own_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test declares its entries anew."""
    monkeypatch.setattr(declaring, "_decorated", {})
