"""The value of a `Config`: its options, the source of each of them, and what follows from them."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from teep import tracebacks
from teep.config import checks
from teep.config.capsules import DEFAULT, CapsuleConfig
from teep.config.job_options import defaults_of
from teep.config.queues import UNSAID, QueueOrder, are_said
from teep.config.sources import variables
from teep.drivers.connections import urls
from teep.embedded.project import working_folder
from teep.errors import ConfigurationError
from teep.store.jobs.jobsets import DeadLimits
from teep.wire import keys, payload

V = TypeVar("V", bound="ConfigValue")

_DEFAULT = "default"
_ARGUMENT = "argument"


def _folder_name() -> str:
    folder = working_folder()  # if it is gone there is no tag, which only tells people more about a process
    return "" if folder is None else folder.name


@dataclass(frozen=True, eq=False, repr=False)
class ConfigValue:
    """The options of a `Config`, where they are explained. As a value they are compared, hashed and pickled."""

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
    leader: Literal["auto", "never", "prefer"] = "auto"
    leader_key: keys.Lease = keys.LEASES[0]
    schedule: Mapping[str, Any] = field(default_factory=dict)
    history: bool = False
    skip_default_job_logging: bool = False
    backtrace_cleaner: tracebacks.Cleaner = tracebacks.without_teep
    timestamps: payload.TimeUnit = "seconds"

    _sources: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    _given: ClassVar[tuple[str, ...]] = ()

    if not TYPE_CHECKING:  # type checkers would take its signature for that of the class

        def __new__(cls, *args: Any, **options: Any) -> Self:
            """Remember which options are given, whatever their values."""
            made = super().__new__(cls)
            names = [field.name for field in fields(cls) if field.init]
            object.__setattr__(made, "_given", (*names[: len(args)], *options))
            return made

    def __post_init__(self) -> None:
        problems = checks.problems_of(self._values())
        if problems:
            raise ConfigurationError("; ".join(problems.values()), problems)
        self._sources.update(dict.fromkeys(self._given, _ARGUMENT))
        object.__setattr__(self, "queues", tuple(self.queues) if are_said(self.queues) else UNSAID)
        object.__setattr__(self, "capsules", MappingProxyType(dict(self.capsules)))
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "schedule", MappingProxyType(dict(self.schedule)))
        object.__setattr__(self, "job_defaults", MappingProxyType(defaults_of(self.job_defaults)))

    def __repr__(self) -> str:
        """Show the options that are not left to the defaults; passwords in URLs are masked."""
        names = [name for name, source in self.sources.items() if source != _DEFAULT]
        said = (f"{name}={_shown(name, getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({', '.join(said)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConfigValue):
            return NotImplemented
        # A configuration that names the default queue is not one that names none: a worker adds the queues of its
        # jobs only to the latter.
        return self._values() == other._values() and are_said(self.queues) == are_said(other.queues)

    def __hash__(self) -> int:
        # Not all options, which would take long, and some may be lists.
        return hash((self.redis_url, self.queues, self.concurrency, self.timeout, self.environment, self.tag))

    def __reduce__(self) -> "tuple[Callable[..., ConfigValue], tuple[Any, ...]]":
        values = {name: _without_proxy(value) for name, value in self._values().items()}
        if not are_said(self.queues):
            del values["queues"]
        return _remade, (type(self), values, dict(self._sources))

    @property
    def sources(self) -> Mapping[str, str]:
        """The source of each option's value.

        That is "argument", the name of a variable or a flag, a file and the key in it, or "default".
        """
        usual = {option.name: _DEFAULT for option in fields(self) if option.init}
        if (named := variables.environment(os.environ)).value == self.environment:
            usual["environment"] = named.source
        return MappingProxyType(usual | self._sources)

    def note_sources(self, sources: Mapping[str, str]) -> None:
        """Note the sources of options that were not this program's own arguments."""
        self._sources.update(sources)

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

    @property
    def dead_limits(self) -> DeadLimits:
        """The number of jobs, and the seconds, that the dead set keeps."""
        return DeadLimits(self.dead_max_jobs, self.dead_timeout)

    def _values(self) -> dict[str, Any]:
        return {option.name: getattr(self, option.name) for option in fields(ConfigValue) if option.init}


def _remade(kind: type[V], values: Mapping[str, Any], sources: Mapping[str, str]) -> V:
    """Return a configuration from its pickle; a function, so that a pickle holds only what is needed."""
    made = kind(**values)
    object.__setattr__(made, "_sources", dict(sources))
    return made


def _without_proxy(value: Any) -> Any:
    return dict(value) if isinstance(value, MappingProxyType) else value


def _shown(name: str, value: Any) -> str:
    if name == "redis_url" and isinstance(value, str):
        return repr(urls.masked(value))
    return repr(_without_proxy(value))
