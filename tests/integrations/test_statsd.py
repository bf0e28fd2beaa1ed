"""What a StatsD server on a real UDP socket gets."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import teep
from teep.config.handlers import fire
from teep.errors import ConfigurationError
from teep.integrations.statsd import Statsd
from tests.integrations.conftest import SAMPLE, Jobs
from tests.worker.fleet import SOON, Fleet


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(SOON)
        yield server


@pytest.fixture
def using(fleet: Fleet, server: socket.socket) -> Iterator[Callable[..., None]]:
    """Lets the process-wide configuration use a `Statsd` for the server."""
    with ExitStack() as ending:

        def use(**options: Any) -> None:
            statsd = Statsd(server.getsockname(), **options)
            ending.callback(statsd.close)
            fleet.config.use(statsd)

        yield use


def _received(server: socket.socket, datagrams: int) -> list[list[str]]:
    """Return the metrics of the datagrams, the times in them as T."""
    received = (server.recv(65_536).decode() for _ in range(datagrams))
    return [re.sub(r"\d+\.\d{3}\|ms", "T|ms", datagram).split("\n") for datagram in received]


def test_a_datagram_a_run(jobs: Jobs, server: socket.socket, using: Callable[..., None]) -> None:
    using()
    jobs.run_in_every_way()
    name = "teep.jobs.app.work"
    failure = [f"{name}.count:1|c", f"{name}.failure:1|c"]
    assert _received(server, 5) == [
        [f"{name}.count:1|c", f"{name}.success:1|c", f"{name}.perform:T|ms"],
        failure,
        failure,
        [f"{name}.count:1|c"],
        [f"{name}.count:1|c"],
    ]


def test_tags_of_dogstatsd(server: socket.socket, using: Callable[..., None]) -> None:
    using(prefix="sidekiq", tags=True, constant_tags={"env": "a|b"})

    @teep.job(name="Ruby::Like", queue="low,#x")
    def job(fails: bool) -> None:
        if fails:
            raise ValueError("no luck")

    job.perform_inline(False)
    with pytest.raises(ValueError, match="no luck"):
        job.perform_inline(True)
    tags = "worker:Ruby::Like,queue:low__x,env:a_b"
    assert _received(server, 2) == [
        [f"sidekiq.jobs.{metric}|#{tags}" for metric in ("count:1|c", "success:1|c", "perform:T|ms")],
        [f"sidekiq.jobs.{metric}:1|c|#{tags},error_type:ValueError" for metric in ("count", "failure")],
    ]


def test_names_without_tags_hold_nothing_that_statsd_reads(server: socket.socket, using: Callable[..., None]) -> None:
    using()
    teep.job(name="Ruby::Like|x")(lambda: None).perform_inline()
    ((count, *_),) = _received(server, 1)
    assert count == "teep.jobs.Ruby__Like_x.count:1|c"


@pytest.mark.parametrize(("wrapped", "shown"), [("Inner", "Inner"), ({"a": 1}, "Wrapper")])
def test_the_class_is_that_of_a_wrapped_job(
    server: socket.socket, using: Callable[..., None], wrapped: Any, shown: str
) -> None:
    using()
    teep.job(name="Wrapper")(lambda: None).set(extra={"wrapped": wrapped}).perform_inline()
    ((count, *_),) = _received(server, 1)
    assert count == f"teep.jobs.{shown}.count:1|c"


def test_no_job_notices_that_nobody_listens(server: socket.socket, using: Callable[..., None]) -> None:
    using()
    server.close()
    job = teep.job(name="job")(lambda: "result")
    # The second send is the one that the closed port refuses.
    assert [job.perform_inline() for _ in range(3)] == ["result"] * 3


def test_samples_of_the_fleet_are_gauges(fleet: Fleet, server: socket.socket, using: Callable[..., None]) -> None:
    using()
    fire(fleet.config, "sample", SAMPLE)
    assert _received(server, 1) == [
        [
            f"teep.{line}|g"
            for line in (
                "processed:100", "failures:3", "enqueued:5", "retries:2", "dead:4", "scheduled:1", "busy:6",
                "queue.low.size:5", "queue.low.latency:1.25", "gauge.carts.open:17",
            )
        ]
    ]  # fmt: skip


def test_queues_of_a_sample_are_tags_of_dogstatsd(
    fleet: Fleet, server: socket.socket, using: Callable[..., None]
) -> None:
    using(prefix="sidekiq", tags=True, constant_tags={"env": "test"})
    fire(fleet.config, "sample", SAMPLE)
    ((processed, *_, size, latency, carts),) = _received(server, 1)
    assert processed == "sidekiq.processed:100|g|#env:test"
    assert size == "sidekiq.queue.size:5|g|#queue:low,env:test"
    assert latency == "sidekiq.queue.latency:1.25|g|#queue:low,env:test"
    assert carts == "sidekiq.gauge.carts.open:17|g|#env:test"


def test_a_gauge_below_zero_is_no_change(fleet: Fleet, server: socket.socket, using: Callable[..., None]) -> None:
    using(tags=True, constant_tags={"odd": "{}"})
    fire(fleet.config, "sample", {**SAMPLE, "gauges": {"cold": -3.5}})
    assert _received(server, 1)[0][-2:] == ["teep.gauge.cold:0|g|#odd:{}", "teep.gauge.cold:-3.5|g|#odd:{}"]


def test_a_sample_of_many_queues_takes_several_datagrams(
    fleet: Fleet, server: socket.socket, using: Callable[..., None]
) -> None:
    using()
    queues = {f"queue-{number:0100}": {"size": number, "latency": 0.0} for number in range(30)}
    fire(fleet.config, "sample", {**SAMPLE, "queues": queues})
    lines = 0
    while lines < 7 + 2 * 30 + 1:
        datagram = server.recv(65_536)
        assert len(datagram) < 1_472
        lines += datagram.count(b"\n") + 1
    assert lines == 7 + 2 * 30 + 1


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="give tags=True too"):
        Statsd(constant_tags={"env": "production"})
    with pytest.raises(ConfigurationError, match=r"no\.such\.host\.invalid:8125 is not known"):
        Statsd(("no.such.host.invalid", 8125))
