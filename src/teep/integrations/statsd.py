"""Counts and times of jobs for a StatsD server, by UDP."""

import contextlib
import re
import socket
import time
from collections.abc import Iterable, Iterator
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

# The gauges of the fleet, and their names in Sidekiq Enterprise.
_GAUGES = {
    "processed": "processed", "failed": "failures", "enqueued": "enqueued", "retries": "retries", "dead": "dead",
    "scheduled": "scheduled", "busy": "busy",
}  # fmt: skip
# Characters of a datagram: a packet of Ethernet should hold it.
_PACKET = 1_400


class Statsd:
    """Sends, for each run of a job, one datagram of Sidekiq Pro's metrics.

    `jobs.count`, and `jobs.success` with the time `jobs.perform` (ms), or `jobs.failure`. A run that was interrupted,
    by a stop, a cancellation, or since an iterable job has made way, is only counted. Without tags the class is part
    of the name, as in `jobs.app.mail.welcome.perform`. The tags are `worker` (the class), `queue`, and `error_type`
    at a failure.

    If the worker leads the fleet and records its history (`history=True`), it sends Sidekiq Enterprise's gauges every
    10 seconds, too: `processed`, `failures`, `enqueued`, `retries`, `dead`, `scheduled`, `busy`; `queue.size` and
    `queue.latency` (seconds) of each queue, which is a tag, or without tags a part of the name, as in
    `queue.mailers.size`; and the program's own, as `gauge.NAME`.

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
        """Add it around jobs, and let it hear of samples of the fleet."""
        config.server_middleware.add(around(quiet(self._measured)))
        config.on("sample", self._sampled)

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
        tags = {"worker": klass, "queue": str(job.get("queue", "default")), **self._constant}
        if ending == "failure":
            tags["error_type"] = type(error).__qualname__
        self._send_lines(f"{name}.{metric}:{value}{self._tail(tags)}" for metric, value in metrics.items())

    def _sampled(self, sample: dict[str, Any]) -> None:
        """Send what the fleet is like, in as many datagrams as it takes."""
        tail = self._tail(self._constant)
        lines = [f"{self._prefix}.{name}:{sample[field]}|g{tail}" for field, name in _GAUGES.items()]
        for queue, values in sample["queues"].items():
            name = "queue" if self._tags else f"queue.{_NAME.sub('_', queue)}"
            of_queue = self._tail({"queue": queue, **self._constant})
            lines += (f"{self._prefix}.{name}.{metric}:{value}|g{of_queue}" for metric, value in values.items())
        for name, value in sample["gauges"].items():
            start = f"{self._prefix}.gauge.{_NAME.sub('_', name)}:"
            # StatsD takes a sign for a change, so what is below zero is set to zero first, in the same datagram.
            zeroed = f"{start}0|g{tail}\n" if value < 0 else ""
            lines.append(f"{zeroed}{start}{value}|g{tail}")
        for datagram in _datagrams(lines):
            self._send_lines(datagram)

    def _send_lines(self, lines: Iterable[str]) -> None:
        # Full buffers, and a host on which nothing listens, cost a measurement and never a job.
        with contextlib.suppress(OSError):
            self._socket.send("\n".join(lines).encode(errors="replace"))

    def _tail(self, tags: dict[str, str]) -> str:
        if not self._tags or not tags:
            return ""
        return "|#" + ",".join(f"{name}:{_TAG.sub('_', value)}" for name, value in tags.items())


def _datagrams(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield lines that go together."""
    together: list[str] = []
    size = 0
    for line in lines:
        if together and size + len(line) > _PACKET:
            yield together
            together, size = [], 0
        together.append(line)
        size += len(line) + 1
    yield together


def _connected(address: tuple[str, int]) -> socket.socket:
    try:
        family, kind, protocol, _, resolved = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        raise ConfigurationError(f"the StatsD server {address[0]}:{address[1]} is not known: {error}") from error
    connected = socket.socket(family, kind, protocol)
    connected.setblocking(False)
    connected.connect(resolved)
    return connected
