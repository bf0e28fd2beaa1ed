"""teep's page alone: a large fleet, many requests, open streams, and a bulk action beside it."""

import json
import selectors
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from bench.api import seeds as jobs
from bench.errors import BenchError
from bench.figures import short
from bench.server import Server
from bench.web import seeds
from bench.web.site import TEEP, Site

_STREAMS = 50
_PATIENCE = 600.0
_PATHS = ("/", "/retries", "/queues")


def goals(scale: float, server: Server, directory: Path) -> list[list[str]]:
    """A row for each, under `bench.goals.HEADINGS`."""
    with Site(TEEP, server.url, directory) as site:
        rows = [_row("Busy with 1,000 processes and 10,000 jobs, ms", 200, _large_fleet(scale, server, site) * 1000)]
        seeds.everything(server, max(200, int(100_000 * scale)))
        streams = _streams(max(2.0, 10 * scale), site)
        rows.append(_row(f"{_STREAMS} open streams, % of a core", 3, streams))
        first, grown = _memory(max(24, int(10_000 * scale)), site)
        rows.append(_row("memory of teep web, MiB", 70, first + grown))
        rows.append(_row("growth over 10,000 pages, MiB", 2, grown))
        slow = _beside_a_bulk_action(max(2_500, int(1_000_000 * scale)), server, site)
        rows.append(_row("p95 of pages while 1,000,000 jobs are retried, ms", 200, slow * 1000))
    return rows


def _row(what: str, reach: float, reached: float) -> list[str]:
    return [what, f"≤ {reach:g}", short(reached), "yes" if reached <= reach else "no"]


def _large_fleet(scale: float, server: Server, site: Site) -> float:
    server.client.flushall()
    seeds.fleet(server, max(100, int(1_000 * scale)))
    with site.asker() as asker:
        asker.ask("/busy")
        return median(asker.seconds(f"/busy?look={number}") for number in range(10))


def _streams(seconds: float, site: Site) -> float:
    """The share of a core (per cent) that the process takes while so many tabs listen."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(_STREAMS):
            stream = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            stream.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            selector.register(stream, selectors.EVENT_READ)
        _drain(selector, 2)  # all of them are served
        before = site.cpu_seconds()
        heard = _drain(selector, seconds)
        cpu = site.cpu_seconds() - before
    if heard < _STREAMS:
        raise BenchError(f"{_STREAMS} streams gave only {heard} parts of the page in {seconds:.0f} s")
    return cpu / seconds * 100


def _drain(selector: selectors.BaseSelector, seconds: float) -> int:
    """Read all streams for a while; returns how often something came."""
    heard, until = 0, time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            heard += bool(key.fileobj.recv(1 << 16))  # type: ignore[union-attr]
    return heard


def _memory(requests: int, site: Site) -> tuple[float, float]:
    """The memory in MiB once warm, and how much it grew while so many pages were asked for."""
    for path in _PATHS:
        site.rate(path, min(100, requests), alike=False)
    first = site.rss()
    for path in _PATHS:
        site.rate(path, requests // len(_PATHS), alike=False)
    return first / 2**20, (site.rss() - first) / 2**20


def _beside_a_bulk_action(retries: int, server: Server, site: Site) -> float:
    """The 95th percentile of how long pages take while very many jobs are retried by the same process."""
    server.client.flushall()
    jobs.sorted_set(server, "retry", retries, failed=True)
    taken: list[float] = []
    deadline = time.monotonic() + _PATIENCE
    with site.asker() as asker:
        started = json.loads(asker.ask("/api/retries/all", {"action": "retry", "confirm": retries}))
        progress = f"/api/actions/{started['action']['id']}"
        while (now := json.loads(asker.ask(progress)))["state"] == "running":
            if time.monotonic() > deadline:
                raise BenchError(f"the action is not done after {_PATIENCE:.0f} s: {now}")
            taken += [asker.seconds(f"{path}?look={len(taken)}") for path in _PATHS]
            time.sleep(0.02)  # as people do, not as a benchmark does: the action has a core to itself, or shares it
    if now["done"] != retries:
        raise BenchError(f"not all were retried: {now}")
    return quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else 0.0
