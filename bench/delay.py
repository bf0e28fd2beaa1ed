"""Measures the cost of a network: the same no-op jobs with 1 ms of delay to Redis, and without."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import redis

from bench.figures import durations, spread
from bench.measure import Column, Goal, Measure, Reading
from bench.proxy import Proxy
from bench.registry import SPECIAL_NAMES
from bench.server import Server
from bench.system import System
from bench.throughput import measure_rate
from bench.visit import Progress, visiting

_ONE_WAY_SECONDS = 0.0005
_PINGS = 100
_WITHOUT = ("floor-batch", "ruby-sidekiq-info", "teep-info", "teep-x2", *SPECIAL_NAMES)
_SHARE = {"floor-brpop": 0.05, "ruby-sidekiq": 0.2, "ruby-sidekiq-yjit": 0.2}
"""Systems with a round trip a job get fewer jobs."""


class Delay(Measure):
    title = "No-op jobs a second with 1 ms of delay"
    lead = """\
Through a proxy on loopback that holds everything back for 0.5 ms each way, and directly just before; `PING` is the
time of a round trip through it."""
    columns = (
        Column("rate", "delayed jobs/s", spread),
        Column("direct", "direct jobs/s"),
        Column("kept", "% kept"),
        Column("ping", "PING", durations),
    )

    goals: ClassVar[Sequence[Goal]] = (Goal("% kept", 70, key="kept"),)

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self.notes = ["The proxy is a Python process, which shares the cores with Redis and the system."]

    def suits(self, system: System) -> bool:
        return system.name not in _WITHOUT

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        jobs = max(
            200, int(self._jobs * min(system.share, 0.02 if system.environment else _SHARE.get(system.name, 1.0)))
        )
        warm_up = jobs // 10
        rates = []
        with Proxy(server.port, _ONE_WAY_SECONDS, directory) as proxy:
            ping = round_trip(proxy.url)
            for url in (server.url, proxy.url):
                with visiting(system, server, jobs + warm_up, directory, progress, url) as visit:
                    visit.push("noop", range(jobs + warm_up))
                    rates.append(measure_rate(visit, jobs, warm_up)["rate"])
        direct, delayed = rates
        return {"rate": delayed, "direct": direct, "kept": delayed / direct * 100, "ping": ping}


def round_trip(url: str) -> float:
    """The median of 100 PINGs, in seconds."""
    seconds = []
    with redis.Redis.from_url(url) as client:
        for _ in range(_PINGS):
            started = time.perf_counter()
            client.ping()
            seconds.append(time.perf_counter() - started)
    return sorted(seconds)[_PINGS // 2]
