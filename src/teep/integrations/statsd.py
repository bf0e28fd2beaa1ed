"""Counts and times of jobs for a StatsD server, by UDP."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from teep.config import Config
from teep.errors import ConfigurationError
from teep.integrations.ending import ending_of
from teep.middleware import around
from teep.telling import quiet
from teep.wire.payload import executed_class

# Characters that have a meaning in StatsD's own format.
_NAME = re.compile(r"[^\w.\-]")
_TAG = re.compile(r"[|,#\s]")


class Statsd:
    """Sends, for each run of a job, one datagram of Sidekiq Pro's metrics.

    `jobs.count`, and `jobs.success` with the time `jobs.perform` (ms), or `jobs.failure`. A run that was interrupted,
    by a stop, a cancellation, or since an iterable job has made way, is only counted. Without tags the class is part
    of the name, as in `jobs.app.mail.welcome.perform`. The tags are `worker` (the class), `queue`, and `error_type`
    at a failure.

    A datagram that no server receives is lost, and no job waits for it.

    Args:
        address: host and UDP port of the server.
        prefix: the beginning of each name; with "sidekiq" they are those of Sidekiq Pro.
        tags: write tags in the format of DogStatsD.
        constant_tags: tags of every metric, such as `{"env": "production"}`; they need `tags`.

    Raises:
        ConfigurationError: the host is not known, or constant tags would go nowhere.
    """

    def __init__(
        self,
        address: tuple[str, int] = ("127.0.0.1", 8125),
        *,
        prefix: str = "teep",
        tags: bool = False,
        constant_tags: dict[str, str] | None = None,
    ) -> None:
        if constant_tags and not tags:
            raise ConfigurationError("constant_tags are DogStatsD tags; give tags=True too")
        self._prefix = prefix
        self._tags = tags
        self._constant = constant_tags or {}
        self._socket = _connected(address)

    def join(self, config: Config) -> None:
        """Add it around jobs."""
        config.server_middleware.add(around(quiet(self._measured)))

    def close(self) -> None:
        """Close the socket; runs that end later are not measured."""
        self._socket.close()

    @contextmanager
    def _measured(self, job: dict[str, Any]) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self._send(job, error, started)
            raise
        self._send(job, None, started)

    def _send(self, job: dict[str, Any], error: BaseException | None, started: float) -> None:
        ending = ending_of(error)
        metrics = {"count": "1|c"}
        if ending == "success":
            metrics |= {"success": "1|c", "perform": f"{(time.perf_counter() - started) * 1000:.3f}|ms"}
        elif ending == "failure":
            metrics["failure"] = "1|c"
        klass = executed_class(job)
        name = f"{self._prefix}.jobs" if self._tags else f"{self._prefix}.jobs.{_NAME.sub('_', klass)}"
        tail = self._tail(klass, str(job.get("queue", "default")), error if ending == "failure" else None)
        datagram = "\n".join(f"{name}.{metric}:{value}{tail}" for metric, value in metrics.items())
        # Full buffers, and a host on which nothing listens, cost a measurement and never a job.
        with contextlib.suppress(OSError):
            self._socket.send(datagram.encode(errors="replace"))

    def _tail(self, klass: str, queue: str, error: BaseException | None) -> str:
        if not self._tags:
            return ""
        tags = {"worker": klass, "queue": queue, **self._constant}
        if error is not None:
            tags["error_type"] = type(error).__qualname__
        return "|#" + ",".join(f"{name}:{_TAG.sub('_', value)}" for name, value in tags.items())


def _connected(address: tuple[str, int]) -> socket.socket:
    try:
        family, kind, protocol, _, resolved = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        raise ConfigurationError(f"the StatsD server {address[0]}:{address[1]} is not known: {error}") from error
    connected = socket.socket(family, kind, protocol)
    connected.setblocking(False)
    connected.connect(resolved)
    return connected
