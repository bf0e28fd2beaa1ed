"""The configuration: a value, and the hooks beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, Unpack

from teep.config.hooks import DeathHandler, ErrorHandler, Event, Gauge, Hooks
from teep.config.sources import variables
from teep.config.value import ConfigValue
from teep.middleware import Chain

if TYPE_CHECKING:
    from teep.config.periodic import HowOptions

L = TypeVar("L", bound=Callable[[], Any])


class Extension(Protocol):
    """An extension for `Config.use`: its `join` adds middleware, handlers and more to a configuration's hooks."""

    def join(self, config: "Config", /) -> None: ...


@dataclass(frozen=True, eq=False, repr=False)
class Config(ConfigValue):
    """How teep works in this process; frozen, and validated whole when it is made.

    Its options are a value: two configurations with the same options are equal and have one hash, and a pickle brings
    them along. `hooks` are no part of that value: middleware, handlers and listeners.

    Args:
        redis_url: where Redis is; None: `TEEP_REDIS_URL`, else `REDIS_URL`, else that of the nearest `teep.toml`,
            else the embedded server.
        concurrency: jobs that a worker process runs at a time, threads and coroutines together.
        queues: the queues to serve, as `"name"` or `"name,weight"`. No weights: strictly in this order. If none are
            named, a worker serves "default" and every queue that the jobs of its modules name.
        timeout: seconds that running jobs get to finish when the process must stop.
        capsules: more queues with a concurrency of their own, by name; `concurrency` and `queues` above are the
            capsule "default". A queue belongs to one capsule.
        processes: worker processes that a supervisor runs, each with this configuration.
        max_rss: megabytes (2**20 bytes) of resident memory at which the supervisor replaces a process.
        max_jobs: jobs after which the supervisor replaces a process.
        environment: a label, and the section of a configuration file that is used; default `TEEP_ENVIRONMENT`, else
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
        leader: whether a worker may lead the fleet, which makes it the one that fires periodic jobs: "auto": it may;
            "never": it does not; "prefer": before all that do not prefer it.
        leader_key: the key in Redis that names the leader: "teep:leader", or Sidekiq Enterprise's "dear-leader", so
            that Sidekiq's Web UI shows it; only where no process of Sidekiq Enterprise runs.
        schedule: periodic jobs by their names, as a file's `[periodic]` has them: `{"nightly": {"cron": "0 4 * * *",
            "class": "SomeJob", "args": [1]}}`. In code, `@teep.periodic` and `Config.periodic` are at hand.
        history: record what the whole fleet is like, minute by minute, while this process leads; `teep.Timeline`
            reads it. Set it for all workers, since any of them may lead.
        skip_default_job_logging: leave out each job's lines `start` and `done`; failures are logged all the same.
        backtrace_cleaner: a function that takes the lines of a failure's backtrace, the innermost first, and returns
            those to store and to log; by default teep's own are left out. Sidekiq has it, too. For code only.
        timestamps: how job timestamps are written: float "seconds", which every Sidekiq reads, or integer
            "milliseconds", as Sidekiq 8 writes. Both are read.

    Raises:
        ConfigurationError: every problem found, in sentences.
    """

    hooks: Hooks = field(default_factory=Hooks, init=False)
    """Middleware, handlers, listeners, guards and services; sealed while a worker runs with them."""

    # Those of the hooks; each push looks at one, so no property.
    client_middleware: Chain = field(init=False)
    server_middleware: Chain = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._take(self.hooks)

    @classmethod
    def from_file(cls, path: str | Path, environment: str | None = None) -> Self:
        """Return the configuration of a file, overridden by the `TEEP_…` variables, as for `teep worker -C`.

        Args:
            path: a `teep.toml`, a `pyproject.toml` with `[tool.teep]`, or Sidekiq's `sidekiq.yml`.
            environment: the one whose section overrides the top level; default as for the option of that name.

        Raises:
            ConfigurationError: the file cannot be read; or every problem that it and the variables have.
        """
        from teep.config.sources import resolution  # noqa: PLC0415 - not every program reads a file

        given = {} if environment is None else {"environment": variables.Found(environment, "environment=")}
        return resolution.resolve(given, Path(path)).config(cls)

    @property
    def error_handlers(self) -> list[ErrorHandler]:
        """The functions called for each failure of a job, and for each error elsewhere in a worker."""
        return self.hooks.error_handlers

    @property
    def death_handlers(self) -> list[DeathHandler]:
        """The functions called when a job dies."""
        return self.hooks.death_handlers

    def on(self, event: Event, listener: Callable[..., object]) -> None:
        """Call `listener` at a moment of the worker's life.

        "startup", "quiet", "shutdown" and "exit" come once; "heartbeat" at the first beat and after an outage; "beat"
        at every one; "leader" when this process begins to lead the fleet, "follower" when it ceases to. Those on the
        way out run in reverse order of registration. A listener that raises is reported and the others still run;
        only a "startup" one keeps the worker from starting. "audit" comes with each action on the web page; its
        listener gets a dict: who, verb, where, filter, count, dry_run, ip. "sample" comes
        every 10 seconds in the leader, if it records the history; its listener gets a dict: at, processed, failed,
        enqueued, scheduled, retries, dead, busy, queues (name to size and latency), gauges.

        Raises:
            ConfigurationError: there is no such event, the listener is no plain function, or a worker runs already.
        """
        self.hooks.on(event, listener)

    def periodic(
        self,
        schedule: str,
        job: Any,
        /,
        *args: Any,
        name: str | None = None,
        kwargs: Mapping[str, Any] | None = None,
        queue: str | None = None,
        **how: "Unpack[HowOptions]",
    ) -> None:
        """Have a job pushed at the ticks of a schedule, as `teep.periodic` does, which explains the options.

        `job` is a job, a signature (`poll.s(7)`), or the name of a class that only others know, such as a Ruby one.
        The entry has the job's name unless it is given one, and its jobs go to the job's queue unless another is
        named.

        Raises:
            InvalidSchedule: it never fires or cannot be read, there is no such zone, or another entry has that name.
            InvalidType, InvalidJob, InvalidArguments: the job cannot be pushed like this.
            ConfigurationError: a worker runs already.
        """
        from teep.config import periodic  # noqa: PLC0415 - few programs have such jobs

        payload = periodic.payload_of(job, args, kwargs, queue)
        entry = periodic.entry_of(schedule, payload, periodic.How.of(how), name)
        if any(known.name == entry.name for known in self.hooks.periodic):
            raise periodic.twice(entry.name)
        self.hooks.periodic.append(entry)

    def gauge(self, name: str, read: Gauge) -> None:
        """Let the history have a number of the program's own, such as how many carts are open.

        `read` is called every 10 seconds in the leader, if it records the history (`history`), in a thread of its
        own, and returns the number as it is now. If it raises, that is reported, and this sample is without it.

        Raises:
            ConfigurationError: the name is taken, `read` is no plain function, or a worker runs already.
        """
        self.hooks.gauge(name, read)

    def lifespan(self, function: L) -> L:
        """Enter a context manager once in each worker process, before its first job, and leave it after the last one.

        A decorator for a generator function with one `yield`, `def` or `async def`, with or without `@contextmanager`
        or `@asynccontextmanager`. It takes nothing; jobs find what it yields as `teep.current_worker().state`. A
        plain one runs in the thread that starts the worker, an async one on the event loop of `async def` jobs, which
        may use all that it opens. It comes after the "startup" listeners, and ends after "shutdown", within `timeout`
        or three seconds.

        If it raises at its begin, the worker does not start; an error at its end is reported. FastAPI's lifespan.

        Raises:
            ConfigurationError: it is no such function, there is another one, or a worker runs already.
        """
        self.hooks.live(function)
        return function

    def listeners(self, event: Event) -> tuple[Callable[..., object], ...]:
        """Return the listeners of an event in the order they run."""
        return self.hooks.listeners(event)

    def use(self, *extensions: Extension) -> None:
        """Let extensions, such as `teep.middleware.Propagation`, join this configuration in the order given."""
        for extension in extensions:
            extension.join(self)

    def copy(self, **changes: Any) -> "Config":
        """Return this configuration with other options; its hooks come along, and more can be added to them.

        Raises:
            ConfigurationError: an option does not fit.
        """
        other = replace(self, **changes)
        object.__setattr__(other, "_sources", {**self._sources, **dict.fromkeys(changes, "argument")})
        other._take(self.hooks.copy())  # noqa: SLF001 - its own kind
        return other

    def _take(self, hooks: Hooks) -> None:
        object.__setattr__(self, "hooks", hooks)
        object.__setattr__(self, "client_middleware", hooks.client_middleware)
        object.__setattr__(self, "server_middleware", hooks.server_middleware)
