"""The services of a worker: its own, and those that extensions bring."""

from collections.abc import Callable, Iterable, Sequence
from threading import Event
from typing import NamedTuple, TypeVar

from teep.config.hooks import BackgroundService
from teep.runtime.component import Component
from teep.runtime.service import OnError
from teep.worker.fetch.tallies import Tallies
from teep.worker.health.watchdog import Reactions, Watchdog
from teep.worker.lifeline import Watcher
from teep.worker.run.capsule import Capsule
from teep.worker.services.heartbeat import Heartbeat
from teep.worker.services.leader import Candidate
from teep.worker.services.messages import MessageListener
from teep.worker.services.metrics import MetricsWriter
from teep.worker.services.poller import Poller
from teep.worker.services.process_info import process_info
from teep.worker.services.progress import ProgressWriter
from teep.worker.services.rescuer import Rescuer

S = TypeVar("S", bound=BackgroundService)


class Duties(NamedTuple):
    """The parts of a worker that its own services look after or call.

    `reports` is set if a job has told of its progress. `obey` takes signals that come through Redis, and `cancel`
    takes jids. An embedded worker has no `obey` and takes no signals.
    """

    capsules: Sequence[Capsule]
    runs: Tallies
    reports: Event
    watcher: Watcher
    obey: Callable[[str], None] | None
    cancel: Callable[[str], None]
    reactions: Reactions

    @property
    def embedded(self) -> bool:
        """Whether the worker runs inside another program's process."""
        return self.obey is None


class Services:
    """The services of one worker, which start, stop and are disowned together."""

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._all: list[BackgroundService] = []

    def add(self, service: BackgroundService) -> None:
        """Add a service."""
        self._all.append(service)

    def of(self, kind: type[S]) -> S:
        """Return the service of a class, one of the worker's own."""
        return next(service for service in self._all if isinstance(service, kind))

    def begin(self, service: BackgroundService) -> None:
        """Add a service while the others run, and start it."""
        self._all.append(service)
        service.start()

    def start(self) -> None:
        """Start the services that do not run yet."""
        self._each(self._all, lambda service: service.start())

    def quiet(self) -> None:
        """Tell them that the worker takes no more jobs."""
        self._each(self._all, lambda service: service.quiet())

    def stop(self) -> None:
        """Stop them, the last one first, and only then let each remove its keys from Redis."""
        self._each(reversed(self._all), lambda service: service.stop())
        self._each(reversed(self._all), lambda service: service.leave())

    def disown(self) -> None:
        """Let go of all services, in a fork."""
        self._each(self._all, lambda service: service.disown())

    def _each(self, services: Iterable[BackgroundService], act: Callable[[BackgroundService], None]) -> None:
        """Do the same to all of them. One that fails is reported, and the others still follow."""
        for service in services:
            try:
                act(service)
            except BaseException as error:  # noqa: BLE001 - reported; an extension may raise anything
                self._on_error(error, getattr(service, "name", type(service).__name__))


def services_for(component: Component, duties: Duties) -> Services:
    """Return the services of a worker that starts."""
    services = Services(component.on_error)
    for own in _OWN:
        services.add(own(component, duties, services))
    for make in component.hooks.services:
        services.add(make(component))
    return services


def _heartbeat(component: Component, duties: Duties, made: Services) -> Heartbeat:
    info = process_info(component, duties.capsules, embedded=duties.embedded)
    candidate = Candidate(component, made.begin, lambda: made.of(Watchdog).stuck)
    return Heartbeat(component, duties.capsules, duties.watcher, info, candidate)


def _metrics(component: Component, duties: Duties, _made: Services) -> MetricsWriter:
    return MetricsWriter(component, duties.runs)


def _progress(component: Component, duties: Duties, _made: Services) -> ProgressWriter:
    return ProgressWriter(component, duties.capsules, duties.reports)


def _poller(component: Component, _duties: Duties, _made: Services) -> Poller:
    return Poller(component)


def _rescuer(component: Component, _duties: Duties, _made: Services) -> Rescuer:
    return Rescuer(component)


def _messages(component: Component, duties: Duties, _made: Services) -> MessageListener:
    return MessageListener(component, duties.obey, duties.cancel)


def _watchdog(component: Component, duties: Duties, made: Services) -> Watchdog:
    fetchers = [capsule.fetcher for capsule in duties.capsules]
    # An embedded worker must not end the other program's process.
    limit = 0.0 if duties.embedded else component.config.watchdog
    return Watchdog(component, fetchers, made.of(Heartbeat), limit, duties.reactions)


# A worker's own services, made in this order. The heartbeat is the last to leave.
_OWN: tuple[Callable[[Component, Duties, Services], BackgroundService], ...] = (
    _heartbeat, _metrics, _progress, _poller, _rescuer, _messages, _watchdog,
)  # fmt: skip
