"""The one point at which a worker reports happenings, of a job or of its process.

1. A happening is a value: a job's run (`teep.worker.run.run.Run`), or one of those below. A run that has ended is
   reported once it is settled.
2. The observers are metrics, log lines, death handlers and listeners, in this order, and then `hooks.observers`,
   which extensions add.
3. An observer is called with every happening, in the thread where it happens, and picks those that it knows. Its
   errors go no further.

If there are only a worker's own observers, a job that is done is no happening: the processor counts and logs it
without a value. `docs/internals/events.md` lists all happenings.
"""

from collections.abc import Iterable
from typing import NamedTuple

from teep.config import Config
from teep.config.handlers import fire, notify_death
from teep.config.hooks import Event, Observer
from teep.store.feature import Barred, Unit
from teep.telling import quietly
from teep.wire.payload import Item


class Moment(NamedTuple):
    """A moment of the process's life, as `config.on` names it."""

    event: Event


class Skipped(NamedTuple):
    """A job was kept from running; `line` is its line in the log, `barred` has its outcome."""

    job: Unit
    barred: Barred
    line: str


class Rescued(NamedTuple):
    """Jobs of a process that died are back in their queue."""

    identity: str
    queue: str
    jobs: int


class Died(NamedTuple):
    """A job is dead or discarded: the payload that it has now, and why.

    Three give it, each where the death first shows. The processor has the run's error, and handlers are called in the
    job's own thread. The fetcher learns only from Redis's answer that a job was too large. The rescuer judges jobs
    that no longer run anywhere.
    """

    item: Item
    reason: BaseException


class Notices:
    """The observers of one worker; `has_others` tells whether an extension has added some."""

    def __init__(self, config: Config, own: Iterable[Observer] = ()) -> None:
        self._config = config
        self._observers = (*own, self._call_handlers, *config.hooks.observers)
        self.has_others = bool(config.hooks.observers)

    def give(self, happening: object) -> None:
        """Tell all observers. Never raises."""
        for observer in self._observers:
            quietly(observer, happening)

    def _call_handlers(self, happening: object) -> None:
        if isinstance(happening, Died):
            notify_death(self._config, happening.item, happening.reason)
        # The worker itself calls "startup" listeners, before there are notices, since they may keep it from starting.
        elif isinstance(happening, Moment) and happening.event != "startup":
            fire(self._config, happening.event)
