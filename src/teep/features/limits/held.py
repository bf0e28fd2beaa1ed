"""What this process holds of concurrent limits, and the renewal of its leases.

In a worker its heartbeat renews them. In any other process a thread does, as long as something is held.
"""

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from teep.clock import redis_time
from teep.config import Config, default_config, driver_for
from teep.drivers import Driver
from teep.errors import RedisError
from teep.job.context import runtime
from teep.runtime import identity as identities
from teep.store import limits
from teep.telling import Logger
from teep.wire.keys import Key

logger = Logger("teep")

_numbers = count()


class Lease(NamedTuple):
    """A place that is held: by which process, in which Redis, in which line, and for how long (microseconds)."""

    identity: str
    config: Config
    line: Key
    length: int


class _Held:
    """The leases of this process by holder. A fork has none."""

    def __init__(self) -> None:
        self.leases: dict[str, Lease] = {}
        self.own = ""
        self.keeper: threading.Thread | None = None
        self.lock = threading.Lock()
        self.changed = threading.Event()
        self.shortest = 0  # of the leases that the keeper knows


_held = _Held()


def config_of(own: Config | None) -> Config:
    """Return the configuration of a limit: its own, else that of the worker that runs this job, else the default."""
    if own is not None:
        return own
    worker = runtime.get()
    return default_config() if worker is None else worker.config


def driver_of(config: Config) -> Driver:
    """Return the driver of a configuration, that of the last call at once."""
    global _latest  # noqa: PLW0603 - of this process
    known, driver = latest = _latest or (config, driver_for(config))
    if known is not config:
        known, driver = latest = config, driver_for(config)
    _latest = latest
    return driver


_latest: tuple[Config, Driver] | None = None


def identity(config: Config | None) -> str:
    """Return the identity under which this code holds something in a Redis.

    It is that of its worker, whose heartbeat renews it, if this is the worker's Redis; else one of the process.
    """
    worker = runtime.get()
    if worker is not None and worker.config is config:
        return worker.identity
    _held.own = _held.own or identities.new_identity()
    return _held.own


def new_holder(identity: str, jid: str = "") -> str:
    """Return the name of a new holder; it begins with the identity of its process."""
    return f"{identity}|{jid}|{next(_numbers)}"


def keep(holder: str, lease: Lease) -> None:
    """Renew a lease from now on."""
    _held.leases[holder] = lease
    if lease.identity == _held.own:
        if lease.length < _held.shortest:
            _held.changed.set()
        _start_keeper()


def let_go(holder: str) -> bool:
    """Renew a lease no longer; returns whether this process did."""
    return _held.leases.pop(holder, None) is not None


def leases_of(identity: str) -> list[tuple[str, Lease]]:
    """Return the leases of an identity, by holder."""
    return [(holder, lease) for holder, lease in _held.leases.copy().items() if lease.identity == identity]


def by_line(leases: Iterable[tuple[str, Lease]]) -> dict[Key, list[tuple[int, str]]]:
    """Return leases as they are renewed: by line, their lengths and holders."""
    found: dict[Key, list[tuple[int, str]]] = {}
    for holder, lease in leases:
        found.setdefault(lease.line, []).append((lease.length, holder))
    return found


def _start_keeper() -> None:
    held = _held
    with held.lock:
        if held.keeper is None:
            keeper = threading.Thread(target=_keep, args=(held,), name="teep-leases", daemon=True)
            keeper.start()  # it may fail, and another call is then to try it again
            held.keeper = keeper


def _keep(held: _Held) -> None:
    """Renew the leases of a process that is no worker, until none is left."""
    while True:
        held.changed.clear()
        held.shortest = min((lease.length for _, lease in leases_of(held.own)), default=1_000_000)
        if held.changed.wait(held.shortest / 3_000_000):
            continue
        with held.lock:
            if held is not _held or not leases_of(held.own):
                held.keeper = None
                return
        _renew(held.own)


def _renew(identity: str) -> None:
    own = leases_of(identity)
    for config in {id(lease.config): lease.config for _, lease in own}.values():
        there = by_line((holder, lease) for holder, lease in own if lease.config is config)
        driver_for(config).run(renewed(identity, there))


async def renewed(identity: str, leases: Mapping[Key, Sequence[tuple[int, str]]]) -> None:
    """Renew leases, as `by_line` returns them. A failing Redis is reported: there will be a next time."""
    try:
        await limits.renew(identity, leases, redis_time())
    except RedisError as error:
        logger.warning("what this process holds of limits cannot be renewed: %s", error)


def _begin_anew() -> None:
    global _held  # noqa: PLW0603 - of this process
    _held = _Held()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
