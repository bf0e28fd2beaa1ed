"""A limit as it is declared: a value, whose numbers go along with each call, so that a change takes hold at once."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal, TypedDict, Unpack

from teep.client.limiters import Controls, microseconds, named, whole
from teep.config import Config, async_driver_for, driver_for
from teep.drivers import AsyncDriver, Driver
from teep.drivers.operation import AsyncSide, SyncSide
from teep.errors import InvalidJob, InvalidType, InvalidValue
from teep.features.limits import held
from teep.features.limits.within import Within
from teep.store import limits
from teep.store.limits import Declared, Kind
from teep.wire.command import Command
from teep.wire.payload import Item

Per = Literal["second", "minute", "hour", "day"] | float | timedelta
Key = Callable[..., Any]

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_DAY = 86_400.0
# The most calls of a window that are kept one by one; of a larger one, the calls of each sixtieth are counted.
_KEPT = 1_000
# Limits of keys that are remembered, since each takes some time to make.
_REMEMBERED = 10_000


class Limit(Controls, SyncSide):
    """A limit; `teep.limits.concurrent` and its like make one.

    Its methods block; `aio` has them to await. `name` is that of the limiter which all processes share.
    """

    def __init__(self, name: str, kind: Kind, limit: int, interval: int, options: dict[str, Any]) -> None:
        if not (options["key"] is None or callable(options["key"])):
            raise InvalidType(f"key of {name} must be a function of the job's arguments, not {options['key']!r}")
        if not isinstance(options["config"], Config | None):
            raise InvalidType(f"config of {name} must be a Config, not {options['config']!r}")
        self.name = named(name)
        self.kind: Kind = kind
        self.limit = whole(limit, f"the limit of {name}")
        self._interval = interval
        self._options = options
        self.key: Key | None = options["key"]
        self.config: Config | None = options["config"]
        self.wait_timeout = microseconds(options["wait_timeout"], f"wait_timeout of {name}")
        self.lease = microseconds(options["lock_timeout"], f"lock_timeout of {name}", 0.001)
        self.reschedule = whole(options["reschedule"], f"reschedule of {name}", 0)
        kept = options["ttl"] if options["ttl"] is not None else _DAY * (90 if self.key is None else 1)
        whole_time = interval * limit if kind == "points" else interval  # until nothing is used any more
        least = 2 * max(whole_time, self.lease)
        self._ttl = max(microseconds(kept, f"ttl of {name}", 1), least) // 1_000

        self.is_held = kind == "concurrent"
        """Whether a place is given back at the end."""
        self.declared: Declared = limits.declared(name, kind, limit, interval, self.lease, self._ttl)
        """The limit as Redis is told of it."""
        self._short: dict[int, Command[bool] | None] = {}
        self._of: dict[str, Limit] = {}

    def short(self, cost: int) -> Command[bool] | None:
        """Return the command that takes so much, if all is as usual; None: this kind has none."""
        try:
            return self._short[cost]
        except KeyError:
            found = self._short[cost] = limits.take(self.declared, cost)
            return found

    def of(self, key: str | int | tuple[Any, ...]) -> "Limit":
        """Return the limit of one key, such as a tenant's: its name is `name:key`."""
        name = f"{self.name}:{key}"
        if (known := self._of.get(name)) is not None:
            return known
        options = {**self._options, "key": None, "ttl": self._ttl / 1_000}
        limit = Limit(name, self.kind, self.limit, self._interval, options)
        if len(self._of) >= _REMEMBERED:
            self._of.clear()
        self._of[name] = limit
        return limit

    def of_job(self, item: Item) -> "Limit | None":
        """Return the limit of a job's own key, or None if the job has no limit.

        Raises:
            InvalidValue: its key is of a type that makes no name. `key` may raise anything.
        """
        if self.key is None:
            return self
        key = self.key(*item["args"], **(item.get("kwargs") or {}))
        if key is None:
            return None
        if not isinstance(key, (str, int, tuple)):
            raise InvalidValue(f"key of the limit {self.name} must return a string, a number or None, not {key!r}")
        return self.of(key)

    def within_limit(self, used: int | None = None, *, estimate: int | None = None) -> Within:
        """Return a context for `with` or `async with`, inside of which the limit is kept. One round trip.

        It waits up to `wait_timeout`. A concurrent limit takes one more round trip at the end.

        Args:
            used: how much of the limit it takes.
            estimate: the same of `points`; its `points_used` then tells how many it really took.

        Raises:
            OverLimit: the limit is reached, and was for `wait_timeout`.
        """
        given = used if estimate is None else estimate
        cost = 1 if given is None else whole(given, f"what is used of {self.name}", 0)
        if cost > self.limit or (self.is_held and cost != 1):
            raise InvalidValue(f"no more than {1 if self.is_held else self.limit} of {self.name} can be used at once")
        return Within(self, cost)

    def check_for(self, job: str) -> None:
        """Refuse a limit that lies elsewhere as a job's: it is given back in the step that ends the job.

        Raises:
            InvalidJob: it does.
        """
        if self.config is not None:
            raise InvalidJob(f"the limit {self.name} of {job} cannot have a config= of its own")

    @property
    def aio(self) -> "AsyncControls":
        """Usage and changes, awaited."""
        return AsyncControls(self)

    @property
    def _declared(self) -> int:
        return self.limit

    def _driver(self) -> Driver:
        return driver_for(held.config_of(self.config))

    def __repr__(self) -> str:
        return f"<limit {self.name}: {self.kind} {self.limit}>"


class AsyncControls(Controls, AsyncSide):
    """The usage and the changes of a declared limit, to await."""

    def __init__(self, limit: Limit) -> None:
        self.name = limit.name
        self._limit = limit

    @property
    def _declared(self) -> int:
        return self._limit.limit

    def _driver(self) -> AsyncDriver:
        return async_driver_for(held.config_of(self._limit.config))


class _Unlimited(Limit):
    """No limit, for a place that takes one."""

    def of_job(self, item: Item) -> None:  # noqa: ARG002 - a limit's
        return None

    def within_limit(self, used: int | None = None, *, estimate: int | None = None) -> Within:  # noqa: ARG002 - a limit's
        return Within(None, 0)


class Options(TypedDict, total=False):
    """What every limit takes; `concurrent` says what they mean."""

    key: Key | None
    wait_timeout: float | timedelta
    reschedule: int
    ttl: float | timedelta | None
    config: Config | None


class HeldOptions(Options, total=False):
    """What a limit takes whose places are held."""

    lock_timeout: float | timedelta


def concurrent(name: str, limit: int, **options: Unpack[HeldOptions]) -> Limit:
    """Return a limit of so many at a time.

    A place is free again at the end, at once if its process dies, and at the latest `lock_timeout` after the last
    heartbeat of its holder. The heartbeat goes on for as long as the holder lives.

    Args:
        name: what all that share it call it; see `Limit.of` and `key` for one limit a tenant.
        limit: how many at a time.
        key: for the job option `limit`: takes a job's arguments and returns the key of its own limit; None: no limit.
        wait_timeout: seconds that `within_limit` waits; default 5.
        lock_timeout: seconds for which a holder that is not heard of keeps its place; default 30.
        reschedule: how often a job comes again that ran into it (default 20); then that is an ordinary failure.
        ttl: seconds for which it is known after its last use; by default 90 days, and one day with a `key`.
        config: where it is, if not in the Redis of the jobs; not for the job option.
    """
    return Limit(name, "concurrent", limit, 0, _options(name, options, "lock_timeout"))


def bucket(name: str, limit: int, per: Per = "second", **options: Unpack[Options]) -> Limit:
    """Return a limit of so many in each second, minute, hour or day of the clock (UTC), or so many seconds.

    Around a boundary there can be twice as many in a short time; `window` and `leaky` rule that out. The other
    arguments are those of `concurrent`.
    """
    return Limit(name, "bucket", limit, _interval(per), _options(name, options))


def window(name: str, limit: int, per: Per = "second", **options: Unpack[Options]) -> Limit:
    """Return a limit of so many in any time of this length, wherever it begins.

    Above 1000 a call may count for a sixtieth longer, never shorter. The other arguments are those of `concurrent`.
    """
    kind: Kind = "window" if type(limit) is not int or limit <= _KEPT else "sixtieths"
    return Limit(name, kind, limit, _interval(per), _options(name, options))


def leaky(name: str, size: int, per: Per = "second", **options: Unpack[Options]) -> Limit:
    """Return a limit that takes `size` at once, and from then on as many in each `per`, evenly.

    The other arguments are those of `concurrent`.
    """
    return Limit(name, "leaky", size, _interval(per), _options(name, options))


def points(name: str, limit: int, refill: float, **options: Unpack[Options]) -> Limit:
    """Return a limit of points, of which `refill` come back each second, up to `limit`: as GraphQL APIs count.

    `within_limit(estimate=n)` takes an estimate, and its `points_used(m)` corrects it. The other arguments are those
    of `concurrent`.
    """
    if isinstance(refill, bool) or not isinstance(refill, (int, float)) or not 0 < refill <= 1_000_000:
        raise InvalidValue(f"refill of {name} must be points a second above 0, up to 1000000, not {refill!r}")
    return Limit(name, "points", limit, max(1, round(1_000_000 / refill)), _options(name, options))


def unlimited(*_args: Any, **_options_given: Any) -> Limit:
    """Return what has the methods of a limit, takes the arguments of any, and limits nothing."""
    return _Unlimited("unlimited", "points", 1, 1, _DEFAULTS)


_DEFAULTS: dict[str, Any] = {
    "key": None, "wait_timeout": 5.0, "lock_timeout": 30.0, "reschedule": 20, "ttl": None, "config": None,
}  # fmt: skip


def _options(name: str, given: Mapping[str, Any], *own: str) -> dict[str, Any]:
    known = Options.__annotations__.keys() | set(own)
    if strange := sorted(given.keys() - known):
        raise InvalidType(f"{name} has no option {strange[0]!r}; such a limit has {', '.join(sorted(known))}")
    return {**_DEFAULTS, **given}


def _interval(per: Any) -> int:
    if isinstance(per, str):
        if per not in _SECONDS:
            raise InvalidValue(f"per must be {', '.join(_SECONDS)} or seconds, not {per!r}")
        return _SECONDS[per] * 1_000_000
    return microseconds(per, "per", 0.001)


__all__ = ["Limit", "Per", "bucket", "concurrent", "leaky", "points", "unlimited", "window"]
