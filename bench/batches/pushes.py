"""Bulk pushes into a batch beside plain ones, and how much memory a batch takes beside its jobs."""

import time
from collections.abc import Callable

import teep
from bench.server import Server
from teep.config import overridden
from teep.wire import keys

_MEMBERS = 1_000  # as many as a block sends in one step; those of a larger one are known by their indices


@teep.job
def row(number: int) -> None:
    """Nothing; it is only pushed."""


def measure(server: Server, jobs: int, rounds: int) -> dict[str, list[float]]:
    """Return jobs a second by kind, and the bytes that a batch takes, one figure a round."""
    found: dict[str, list[float]] = {"plain": [], "compact": [], "compact bytes": [], "member bytes": []}
    with overridden(teep.Config(redis_url=server.url)):
        row.perform_bulk([(number,) for number in range(1_000)])
        for _ in range(rounds):
            for kind, push in (("plain", _plain), ("compact", _compact)):
                server.client.flushall()
                seconds, bid = _timed(push, jobs)
                found[kind].append(jobs / seconds)
            found["compact bytes"].append(_bytes(server, bid))
            server.client.flushall()
            found["member bytes"].append(_bytes(server, _members(_MEMBERS)) / _MEMBERS)
    server.client.flushall()
    return found


def _timed(push: Callable[[int], str], jobs: int) -> tuple[float, str]:
    began = time.perf_counter()
    bid = push(jobs)
    return time.perf_counter() - began, bid


def _plain(jobs: int) -> str:
    row.perform_bulk((number,) for number in range(jobs))
    return ""


def _compact(jobs: int) -> str:
    batch = teep.Batch()
    with batch.jobs(flush_every=1_000):  # in several steps, so its jobs are known by an index
        row.perform_bulk((number,) for number in range(jobs))
    return batch.bid


def _members(jobs: int) -> str:
    batch = teep.Batch()
    with batch.jobs():
        row.perform_bulk((number,) for number in range(jobs))
    return batch.bid


def _bytes(server: Server, bid: str) -> int:
    """Return what the keys of a batch take."""
    own = server.client.keys(f"{keys.batch(bid)}*".replace("{", r"\{"))
    return sum(server.client.memory_usage(key, samples=0) or 0 for key in own)
