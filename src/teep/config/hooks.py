"""The hooks by which a program adds to teep: middleware, handlers, listeners, guards, services and observers.

They stand beside a `Config`, which is a value and knows nothing of code. They are filled before a worker starts, and
sealed while one runs with them: the worker might miss later additions.
"""

import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, get_args

from teep.errors import ConfigurationError
from teep.middleware import Chain
from teep.store.feature import Barred, Unit
from teep.store.periodic.entries import Entry
from teep.telling import Logger
from teep.wire.keys import Key

T = TypeVar("T")

Event = Literal["startup", "quiet", "shutdown", "exit", "heartbeat", "beat", "leader", "follower", "audit", "sample"]
ErrorHandler = Callable[[BaseException, dict[str, Any]], None]
DeathHandler = Callable[[dict[str, Any], BaseException], None]
Listener = Callable[..., object]
"""What is called at an event: with nothing, at "audit" and "sample" with a dict."""
Lifespan = Callable[[], AbstractContextManager[Any] | AbstractAsyncContextManager[Any]]
"""Makes the context manager that a process is in while it runs jobs."""
Gauge = Callable[[], float]
"""Returns a number as it is now."""

logger = Logger("teep")


Guard = Callable[[Unit], Barred | None]
"""Asked about each job before it runs: returns None, or why the job does not run, and how it ends.

A worker asks in the thread that would run the job, so a guard that waits takes a slot. If it raises, the job runs
again some seconds later, with no attempt counted. No guard is asked about bytes that are no job.
"""


class BackgroundService(Protocol):
    """A service that runs beside the jobs of a worker; `teep.runtime.service.Service` is a base to begin with."""

    def start(self) -> None:
        """Begin; jobs may run already."""

    def quiet(self) -> None:
        """Stop doing anything that brings new jobs: the worker takes no more."""

    def stop(self) -> None:
        """End, after the last job; wait until the work in progress is done. Idempotent."""

    def leave(self) -> None:
        """Remove the service's own keys in Redis, after the last service has stopped."""

    def disown(self) -> None:
        """Do nothing more, in a fork: the parent goes on."""


Observer = Callable[[Any], object]
"""Told of every event in a worker; `teep.runtime.notices` lists them, and when they come."""

ServiceFactory = Callable[[Any], BackgroundService]
"""Makes a service for a worker that starts, from the worker's `teep.runtime.component.Component`."""


def _at_once(_: Any) -> None:
    return None


class LeaderTask(NamedTuple):
    """What only the leader of the fleet does: a service that `make` makes, once a process leads for the first time.

    With an `occasion`, a function of the worker's `Config`, it is made only once the key that this returns is in
    Redis (None: at once). With an `option` it is made only if the `Config` has that option set. If tasks have the
    same name, the last one counts.
    """

    name: str
    make: ServiceFactory
    occasion: Callable[[Any], Key | None] = _at_once
    option: str = ""


_unasked: list[LeaderTask] = []


def add_unasked(*tasks: LeaderTask) -> None:
    """Add tasks of the leader that every worker of this process has."""
    _unasked.extend(tasks)


def log_error(error: BaseException, context: dict[str, Any]) -> None:
    """Log an error with its traceback. Sidekiq's first error handler; take it out of the list to be rid of it."""
    logger.error("%s", context.get("context", "error"), exc_info=error, extra={"teep": context})


class Registered(list[T]):
    """Handlers in the order they are called: a list that `check` may keep from being changed."""

    def __init__(self, check: Callable[[], None], handlers: Iterable[T] = ()) -> None:
        super().__init__(handlers)
        self._check = check


def _checked(name: str) -> Callable[..., Any]:
    change = getattr(list, name)

    @wraps(change)
    def checked(self: Any, *args: Any, **options: Any) -> Any:
        self._check()  # of the list itself
        return change(self, *args, **options)

    return checked


for _name in (
    "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse",
    "__setitem__", "__delitem__", "__iadd__", "__imul__",
):  # fmt: skip
    setattr(Registered, _name, _checked(_name))


class Hooks:
    """Everything called at a push, around a job, at a failure, and at the events of a worker's life.

    `guards` keep jobs from running, `services` make the services that run beside them in a worker, `leader_services`
    make those that only the leader of the fleet has, and `observers` are told of every event there. `periodic` are
    the entries that `Config.periodic` declares, `gauges` numbers for the history, by name.
    """

    def __init__(self) -> None:
        self._workers: set[object] = set()
        self.client_middleware = Chain(self._check_open)
        self.server_middleware = Chain(self._check_open)
        self.error_handlers: list[ErrorHandler] = Registered(self._check_open, [log_error])
        self.death_handlers: list[DeathHandler] = Registered(self._check_open)
        self.guards: list[Guard] = Registered(self._check_open)
        self.services: list[ServiceFactory] = Registered(self._check_open)
        self.leader_services: list[LeaderTask] = Registered(self._check_open)
        self.observers: list[Observer] = Registered(self._check_open)
        self.periodic: list[Entry] = Registered(self._check_open)
        self.gauges: dict[str, Gauge] = {}
        self._lifespan: Lifespan | None = None
        self._listeners: dict[str, list[Listener]] = {
            event: Registered(self._check_open) for event in get_args(Event)
        }

    def on(self, event: Event, listener: Listener) -> None:
        """Call `listener` at an event; see `Config.on`.

        Raises:
            ConfigurationError: there is no such event, or the listener is no plain function.
        """
        if event not in self._listeners:
            raise ConfigurationError(f"there is no event {event!r}; there are {', '.join(self._listeners)}")
        if not callable(listener) or inspect.iscoroutinefunction(listener):
            raise ConfigurationError(f"the {event} listener must be a plain function, not {listener!r}")
        self._listeners[event].append(listener)

    def gauge(self, name: str, read: Gauge) -> None:
        """Add a number to the history; see `Config.gauge`.

        Raises:
            ConfigurationError: the name is taken, or `read` is no plain function.
        """
        self._check_open()
        if not callable(read) or inspect.iscoroutinefunction(read):
            raise ConfigurationError(f"the gauge {name!r} must be a plain function without arguments, not {read!r}")
        if self.gauges.get(name, read) != read:
            raise ConfigurationError(f"there is a gauge {name!r} already: {self.gauges[name]!r}")
        self.gauges[name] = read

    @property
    def lifespan(self) -> Lifespan | None:
        """Makes the context manager that a process is in while it runs jobs."""
        return self._lifespan

    def live(self, lifespan: Callable[[], Any]) -> None:
        """Set the lifespan; see `Config.lifespan`.

        Raises:
            ConfigurationError: there is another one, or it is no such function.
        """
        self._check_open()
        if self._lifespan is not None and not _is_same(self._lifespan, lifespan):
            raise ConfigurationError(
                f"there is a lifespan already, {_named(self._lifespan)}; enter both in one, as in"
                " with first() as one, second() as two: yield one, two"
            )
        if not callable(lifespan) or inspect.iscoroutinefunction(lifespan):
            raise ConfigurationError(f"the lifespan must be a generator function with one yield, not {lifespan!r}")
        self._lifespan = _managed(lifespan)

    def listeners(self, event: Event) -> tuple[Listener, ...]:
        """Return the listeners of an event in the order they run."""
        registered = self._listeners[event]
        return tuple(reversed(registered)) if event in ("quiet", "shutdown", "exit") else tuple(registered)

    def tasks_of_the_leader(self) -> list[LeaderTask]:
        """Return the tasks of the leader, those too that every worker has."""
        return list({task.name: task for task in (*_unasked, *self.leader_services)}.values())

    def merge(self, other: "Hooks") -> None:
        """Add the other's hooks that this one does not have.

        Never the error handler that logs: all hooks begin with it, so if it is missing, it was taken out.
        """
        for chain, theirs in (
            (self.client_middleware, other.client_middleware),
            (self.server_middleware, other.server_middleware),
        ):
            for middleware in _missing(theirs, chain):
                chain.add(middleware)
        handlers = [handler for handler in other.error_handlers if handler is not log_error]
        _extend(self.error_handlers, handlers)
        _extend(self.death_handlers, other.death_handlers)
        _extend(self.guards, other.guards)
        _extend(self.services, other.services)
        _extend(self.leader_services, other.leader_services)
        _extend(self.observers, other.observers)
        _extend(self.periodic, other.periodic)
        for name, read in other.gauges.items():
            if name not in self.gauges:
                self.gauge(name, read)
        if other.lifespan is not None:
            self.live(other.lifespan)
        for event, listeners in other._listeners.items():  # noqa: SLF001 - its own kind
            _extend(self._listeners[event], listeners)

    def copy(self) -> "Hooks":
        """Return the same hooks, to which more can be added."""
        made = Hooks()
        made.error_handlers[:] = self.error_handlers
        made.merge(self)
        return made

    def seal(self, worker: object) -> None:
        """Refuse all changes while this worker runs with them. Idempotent."""
        self._workers.add(worker)

    def unseal(self, worker: object) -> None:
        """Note that this worker does not run with them any more. Idempotent."""
        self._workers.discard(worker)

    def _check_open(self) -> None:
        if self._workers:
            raise ConfigurationError(
                "a worker runs with this configuration, and might miss what is added now: add middleware, handlers,"
                ' listeners and extensions before it starts, in a module that it imports or in a "startup" listener'
            )


def _managed(lifespan: Callable[[], Any]) -> Lifespan:
    """Return a function that makes a context manager, also of a generator function without its decorator."""
    if inspect.isasyncgenfunction(lifespan):
        return asynccontextmanager(lifespan)
    return contextmanager(lifespan) if inspect.isgeneratorfunction(lifespan) else lifespan


def _is_same(known: Lifespan, other: Callable[[], Any]) -> bool:
    """Tell whether it is the same function, decorated or not."""
    return bool(inspect.unwrap(known) == inspect.unwrap(other))


def _named(lifespan: Lifespan) -> str:
    return getattr(lifespan, "__qualname__", repr(lifespan))


def _missing(theirs: Iterable[T], mine: Iterable[T]) -> list[T]:
    known = list(mine)
    return [one for one in theirs if one not in known]


def _extend(registered: list[T], others: Iterable[T]) -> None:
    if missing := _missing(others, registered):
        registered.extend(missing)
