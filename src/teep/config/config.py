"""The configuration value."""

import inspect
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, TypeVar, get_args

from teep import drivers, tracebacks
from teep.config.address import Address
from teep.config.capsules import DEFAULT, CapsuleConfig, check_capsules
from teep.config.error_log import log_error
from teep.config.job_options import fields_of
from teep.config.queues import UNSAID, QueueOrder, are_said
from teep.config.sources import variables
from teep.drivers import urls
from teep.embedded.project import working_folder
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob
from teep.middleware import Chain
from teep.wire import payload

Event = Literal["startup", "quiet", "shutdown", "exit", "heartbeat", "beat"]
ErrorHandler = Callable[[BaseException, dict[str, Any]], None]
DeathHandler = Callable[[dict[str, Any], BaseException], None]
T = TypeVar("T")

_DEFAULT = "default"


def _folder_name() -> str:
    folder = working_folder()  # where it is gone there is no tag, which only tells people more about a process
    return "" if folder is None else folder.name


class Extension(Protocol):
    """What `Config.use` takes: `join` adds its middleware, handlers and listeners to the configuration."""

    def join(self, config: "Config", /) -> None: ...


@dataclass(frozen=True, eq=False, repr=False)
class Config:
    """How teep works in this process; frozen, and validated whole when it is made.

    Args:
        redis_url: where Redis is; None: `TEEP_REDIS_URL`, else `REDIS_URL`, else what the nearest `teep.toml` says,
            else the embedded server.
        concurrency: jobs that a worker process runs at a time, threads and coroutines together.
        queues: what a worker serves, as `"name"` or `"name,weight"`. No weights: strictly in this order. If none are
            named, a worker serves "default" and every queue that the jobs of its modules name.
        timeout: seconds that running jobs get to finish when the process must stop.
        capsules: more queues with a concurrency of their own, by name; `concurrency` and `queues` above are the
            capsule "default". A queue belongs to one capsule.
        processes: worker processes that a supervisor runs, each with this configuration.
        max_rss: megabytes (2**20 bytes) of resident memory from which the supervisor replaces a process.
        max_jobs: jobs from which the supervisor replaces a process.
        environment: a label, and which section of a configuration file holds; default `TEEP_ENVIRONMENT`, else
            `TEEP_ENV`, `APP_ENV`, `RAILS_ENV`, `RACK_ENV`, else "development".
        tag: shown beside the process; default the name of the current directory.
        labels: more labels of the process.
        job_defaults: options of every job that does not set them, such as `{"retry": 5}`; for raw pushes, too.
            Sidekiq's default_job_options.
        max_retries: retries of a job whose `retry` is true.
        max_iteration_runtime: seconds after which an iterable job makes way for others, and goes on when its turn
            comes; None: it runs as long as it takes.
        dead_max_jobs: jobs that the dead set keeps (one less, as in Sidekiq).
        dead_timeout: seconds that the dead set keeps a job.
        poll_interval_average: seconds between this process's looks for due jobs; None: scaled so that the whole
            fleet looks every `average_scheduled_poll_interval` seconds.
        heartbeat_interval: seconds between heartbeats; Redis forgets a process 60 s after its last one.
        health: where a worker, or the supervisor for all of its workers, answers `/live` and `/ready` over HTTP:
            `"HOST:PORT"`, or a port alone for 127.0.0.1.
        watchdog: seconds that a worker process may stand still, or be without Redis, before it ends with exit code 1
            for its supervisor to start it anew; 0: for ever.
        skip_default_job_logging: leave out each job's lines `start` and `done`; failures are logged all the same.
        backtrace_cleaner: what takes the lines of a failure's backtrace, the innermost first, and returns those to
            store and to log; by default teep's own are left out. Sidekiq's, and for code only.
        timestamps: how job timestamps are written: float "seconds", which every Sidekiq reads, or integer
            "milliseconds", as Sidekiq 8 writes. Both are read.

    Raises:
        ConfigurationError: every problem found, in sentences.
    """

    redis_url: str | None = None
    concurrency: int = 10
    queues: Sequence[str] = UNSAID
    timeout: float = 25.0
    capsules: Mapping[str, CapsuleConfig] = field(default_factory=dict)
    processes: int = 1
    max_rss: int | None = None
    max_jobs: int | None = None
    environment: str = field(default_factory=lambda: variables.environment(os.environ).value)
    tag: str = field(default_factory=_folder_name)
    labels: Sequence[str] = ()
    job_defaults: Mapping[str, Any] = field(default_factory=dict)
    max_retries: int = 25
    max_iteration_runtime: float | None = None
    dead_max_jobs: int = 10_000
    dead_timeout: float = 180 * 86_400.0
    poll_interval_average: float | None = None
    average_scheduled_poll_interval: float = 5.0
    heartbeat_interval: float = 5.0
    health: str | None = None
    watchdog: float = 300.0
    skip_default_job_logging: bool = False
    backtrace_cleaner: tracebacks.Cleaner = tracebacks.without_teep
    timestamps: payload.TimeUnit = "seconds"

    client_middleware: Chain = field(default_factory=Chain, init=False, repr=False)
    server_middleware: Chain = field(default_factory=Chain, init=False, repr=False)
    error_handlers: list[ErrorHandler] = field(default_factory=lambda: [log_error], init=False, repr=False)
    death_handlers: list[DeathHandler] = field(default_factory=list, init=False, repr=False)
    _listeners: dict[str, list[Callable[[], object]]] = field(default_factory=dict, init=False, repr=False)
    _sources: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    _given: ClassVar[tuple[str, ...]] = ()

    if not TYPE_CHECKING:  # which would take its signature for that of the class

        def __new__(cls, *args: Any, **options: Any) -> Self:
            """Remember which options are given, whatever their values."""
            made = super().__new__(cls)
            names = [field.name for field in fields(cls) if field.init]
            object.__setattr__(made, "_given", (*names[: len(args)], *options))
            return made

    def __post_init__(self) -> None:
        problems = {name: problem for name, check in _CHECKS if (problem := check(self)) is not None}
        if problems:
            raise ConfigurationError("; ".join(problems.values()), problems)
        self._sources.update(dict.fromkeys(self._given, "argument"))
        object.__setattr__(self, "queues", tuple(self.queues) if are_said(self.queues) else UNSAID)
        object.__setattr__(self, "capsules", MappingProxyType(dict(self.capsules)))
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "job_defaults", MappingProxyType(_defaults(self.job_defaults)))

    def __repr__(self) -> str:
        """What is not left to the defaults; passwords in URLs are masked."""
        names = [name for name, source in self.sources.items() if source != _DEFAULT]
        said = (f"{name}={_shown(name, getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({', '.join(said)})"

    @property
    def sources(self) -> Mapping[str, str]:
        """Where the value of each option comes from.

        That is "argument", the name of a variable or a flag, a file and the key in it, or "default".
        """
        usual = {option.name: _DEFAULT for option in fields(self) if option.init}
        if (named := variables.environment(os.environ)).value == self.environment:
            usual["environment"] = named.source
        return MappingProxyType(usual | self._sources)

    def note_sources(self, sources: Mapping[str, str]) -> None:
        """Say where options come from that were not this program's own arguments."""
        self._sources.update(sources)

    @classmethod
    def from_file(cls, path: str | Path, environment: str | None = None) -> "Config":
        """Return what a file says, with this process's `TEEP_…` variables over it, as `teep worker -C` reads both.

        Args:
            path: a `teep.toml`, a `pyproject.toml` with `[tool.teep]`, or Sidekiq's `sidekiq.yml`.
            environment: whose section goes over the top level; default as for the option of that name.

        Raises:
            ConfigurationError: the file cannot be read, or every problem that it and the variables have.
        """
        from teep.config.sources import resolution  # noqa: PLC0415 - it makes a Config; and who reads no file needs no readers

        given = {} if environment is None else {"environment": variables.Found(environment, "environment=")}
        return resolution.resolve(given, Path(path)).config()

    def on(self, event: Event, listener: Callable[[], object]) -> None:
        """Call `listener` at a moment of the worker's life.

        "startup", "quiet", "shutdown" and "exit" come once; "heartbeat" at the first beat and after an outage; "beat"
        at every one. Those on the way out run in reverse order of registration. A listener that raises is reported
        and the others still run; only a "startup" one keeps the worker from starting.

        Raises:
            ConfigurationError: there is no such event, or the listener is no plain function.
        """
        if event not in get_args(Event):
            raise ConfigurationError(f"there is no event {event!r}; there are {', '.join(get_args(Event))}")
        if not callable(listener) or inspect.iscoroutinefunction(listener):
            raise ConfigurationError(f"the {event} listener must be a plain function, not {listener!r}")
        self._listeners.setdefault(event, []).append(listener)

    def listeners(self, event: Event) -> tuple[Callable[[], object], ...]:
        """Return the listeners of an event in the order they run."""
        registered = self._listeners.get(event, [])
        return tuple(reversed(registered)) if event in ("quiet", "shutdown", "exit") else tuple(registered)

    def use(self, *extensions: Extension) -> None:
        """Let extensions add what they do, such as `teep.middleware.Propagation`; in the order given."""
        for extension in extensions:
            extension.join(self)

    def adopt(self, other: "Config") -> None:
        """Take over the middleware, handlers and listeners of another configuration that are not here already.

        Never the error handler that logs: every configuration begins with it, so where it is not, it was taken out.
        """
        for mine, others in (
            (self.client_middleware, other.client_middleware),
            (self.server_middleware, other.server_middleware),
        ):
            for middleware in others:
                if middleware not in mine:
                    mine.add(middleware)
        _extend(self.error_handlers, [handler for handler in other.error_handlers if handler is not log_error])
        _extend(self.death_handlers, other.death_handlers)
        for event, listeners in other._listeners.items():  # noqa: SLF001 - its own kind
            _extend(self._listeners.setdefault(event, []), listeners)

    def copy(self, **changes: Any) -> "Config":
        """Return this configuration with other options; its middleware, handlers and listeners come along.

        Raises:
            ConfigurationError: an option does not fit.
        """
        other = replace(self, **changes)
        other._sources.clear()  # noqa: SLF001 - its own kind
        other.note_sources({**self._sources, **dict.fromkeys(changes, "argument")})
        other.error_handlers[:] = self.error_handlers
        other.adopt(self)
        return other

    @property
    def queue_order(self) -> QueueOrder:
        """The queues of the default capsule as parsed."""
        return QueueOrder.parse(self.queues)

    @property
    def all_capsules(self) -> dict[str, CapsuleConfig]:
        """Every capsule by name, the default one first."""
        return {DEFAULT: CapsuleConfig(concurrency=self.concurrency, queues=self.queues), **self.capsules}

    @property
    def total_concurrency(self) -> int:
        """Jobs that a worker process runs at a time in all of its capsules."""
        return sum(capsule.concurrency for capsule in self.all_capsules.values())


def _shown(name: str, value: Any) -> str:
    if name == "redis_url" and isinstance(value, str):
        return repr(urls.masked(value))
    return repr(dict(value) if isinstance(value, MappingProxyType) else value)


def _extend(registered: list[T], others: list[T]) -> None:
    registered.extend(other for other in others if other not in registered)


# A setting, and what says in a sentence why its value does not fit.
_Check = tuple[str, Callable[[Config], str | None]]


def _redis_url(config: Config) -> str | None:
    if config.redis_url is None:
        return None
    if not isinstance(config.redis_url, str):
        # Of anything else the value stays out of the message: bytes may have a password.
        named = repr(config.redis_url) if type(config.redis_url) is int else f"a {type(config.redis_url).__name__}"
        return f"redis_url must be a string such as redis://localhost:6379/0, not {named}"
    return _problem(drivers.check_url, config.redis_url)


def _queues(config: Config) -> str | None:
    return _texts("queues", config.queues, "default") or _problem(QueueOrder.parse, config.queues)


def _capsules(config: Config) -> str | None:
    def check(capsules: Any) -> None:
        served = () if _queues(config) else config.queue_order.weights
        check_capsules(capsules, served)

    return _problem(check, config.capsules)


def _labels(config: Config) -> str | None:
    return _texts("labels", config.labels, "web")


def _health(config: Config) -> str | None:
    if config.health is None:
        return None
    if not isinstance(config.health, str):
        return f"health must be an address such as 127.0.0.1:7433, not {config.health!r}"
    return _problem(Address.parse, config.health)


def _texts(name: str, value: Any, example: str) -> str | None:
    fits = (
        isinstance(value, Collection) and not isinstance(value, str) and all(isinstance(item, str) for item in value)
    )
    return None if fits else f"{name} must be a list of texts, such as [{example!r}], not {value!r}"


def _job_defaults(config: Config) -> str | None:
    options = config.job_defaults
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        return f"job_defaults must be a mapping, such as {{'retry': 5}}, not {options!r}"
    return _problem(_defaults, options)


def _defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    # Sidekiq's default_job_options have authors' own fields among them, and so may these. Twice, since a copy of this
    # configuration gets what comes out here.
    return fields_of("job_defaults", fields_of("job_defaults", given, warns=False), warns=False)


def _environment(config: Config) -> str | None:
    fits = isinstance(config.environment, str) and config.environment
    return None if fits else f"environment must be a text such as production, not {config.environment!r}"


def _timestamps(config: Config) -> str | None:
    allowed = get_args(payload.TimeUnit)
    return None if config.timestamps in allowed else f"timestamps must be one of {allowed}, not {config.timestamps!r}"


def _skip_default_job_logging(config: Config) -> str | None:
    value = config.skip_default_job_logging
    return None if isinstance(value, bool) else f"skip_default_job_logging must be true or false, not {value!r}"


def _backtrace_cleaner(config: Config) -> str | None:
    value = config.backtrace_cleaner
    if callable(value) and not inspect.iscoroutinefunction(value):
        return None
    return f"backtrace_cleaner must be a function that takes a list of lines and returns one, not {value!r}"


def _tag(config: Config) -> str | None:
    fits = isinstance(config.tag, str) and not re.search(r"[\r\n]", config.tag)
    return None if fits else "the tag must be one line of text"


def _whole(name: str, least: int, *, optional: bool = False) -> _Check:
    def check(config: Config) -> str | None:
        value = getattr(config, name)
        fits = (optional and value is None) or (type(value) is int and value >= least)
        return None if fits else f"{name} must be a whole number from {least}, not {value!r}"

    return name, check


def _seconds(name: str, least: float, most: float = float("inf"), *, optional: bool = False) -> _Check:
    limits = f"at least {least}" if most == float("inf") else f"from {least} to {most}"

    def check(config: Config) -> str | None:
        value = getattr(config, name)
        fits = (optional and value is None) or (type(value) in (int, float) and least <= value <= most)
        return None if fits else f"{name} must be seconds, {limits}, not {value!r}"

    return name, check


def _problem(check: Callable[[Any], Any], value: Any) -> str | None:
    try:
        check(value)
    except (ConfigurationError, InvalidArguments, InvalidJob) as error:
        return str(error)
    return None


_CHECKS: tuple[_Check, ...] = (
    ("redis_url", _redis_url),
    ("queues", _queues),
    ("capsules", _capsules),
    ("labels", _labels),
    ("job_defaults", _job_defaults),
    ("environment", _environment),
    ("timestamps", _timestamps),
    ("skip_default_job_logging", _skip_default_job_logging),
    ("backtrace_cleaner", _backtrace_cleaner),
    ("tag", _tag),
    ("health", _health),
    _whole("concurrency", 1),
    _whole("processes", 1),
    _whole("max_rss", 1, optional=True),
    _whole("max_jobs", 1, optional=True),
    _whole("max_retries", 0),
    _whole("dead_max_jobs", 1),
    _seconds("timeout", 0),
    _seconds("max_iteration_runtime", 0.01, optional=True),
    _seconds("watchdog", 0),
    _seconds("dead_timeout", 1),
    _seconds("poll_interval_average", 0.05, optional=True),
    _seconds("average_scheduled_poll_interval", 0.05),
    # A heartbeat must come well within the 60 s after which Redis forgets the process.
    _seconds("heartbeat_interval", 0.1, 20.0),
)
