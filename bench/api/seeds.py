"""The state of Redis before an operation. Payloads have the fields that Sidekiq writes, in its order."""

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from bench.server import Server

T = TypeVar("T")
Jid = Callable[[int], str]

KLASSES = ("NoopJob", "OtherJob")
"""The jobs' classes, in turn."""

_SLICE = 1_000
_BORN = 1_770_000_000_000
"""When the oldest job was made, in epoch milliseconds. Ten jobs follow in each millisecond."""


def ordered_jid(number: int) -> str:
    """A jid as teep makes it: 12 hex digits of epoch milliseconds, then random ones."""
    return f"{_BORN + number // 10:012x}{random.Random(number).getrandbits(48):012x}"


def random_jid(number: int) -> str:
    """A jid as Ruby makes it: 24 random hex digits."""
    return f"{random.Random(number).getrandbits(96):024x}"


def nothing(_server: Server) -> None:
    """An empty Redis, for operations that only push."""


def queue(server: Server, jobs: int, jid: Jid = ordered_jid, name: str = "bulk") -> None:
    """A queue of jobs 0 (the oldest) to `jobs` - 1."""
    server.client.sadd("queues", name)
    payloads = (_queued(name, number, jid(number)) for number in range(jobs))
    for some in _slices(payloads):
        server.client.lpush(f"queue:{name}", *some)


def sorted_set(server: Server, key: str, jobs: int, *, failed: bool) -> None:
    """A set of jobs for the queue "default", due one second after the other; `failed`: with an error each."""
    entries = ((_entry(number, failed=failed), float(_BORN // 1000 + number)) for number in range(jobs))
    for some in _slices(entries):
        server.client.zadd(key, dict(some))


def fleet(server: Server, queues: int, processes: int) -> None:
    """Many queues and processes, and something in every counter and set."""
    client = server.client
    with client.pipeline(transaction=False) as pipe:
        pipe.mset({"stat:processed": 123_456, "stat:failed": 789})
        for number in range(queues):
            name = f"queue-{number}"
            pipe.sadd("queues", name)
            pipe.lpush(f"queue:{name}", *(_queued(name, job, ordered_jid(job)) for job in range(1 + number % 3)))
        for number in range(processes):
            identity = f"host-{number}:{4000 + number}:0123456789ab"
            pipe.sadd("processes", identity)
            pipe.hset(identity, mapping={"busy": number % 10, "beat": _BORN / 1000})
        pipe.execute()
    queue(server, 100, name="default")
    for key in ("retry", "schedule", "dead"):
        sorted_set(server, key, 50, failed=key != "schedule")


def _queued(name: str, number: int, jid: str) -> bytes:
    born = (_BORN + number // 10) / 1000
    return (
        f'{{"retry":true,"queue":"{name}","class":"{KLASSES[number % 2]}","args":[{number},"tenant-42"],'
        f'"jid":"{jid}","created_at":{born},"enqueued_at":{born}}}'
    ).encode()


def _entry(number: int, *, failed: bool) -> bytes:
    born = (_BORN + number // 10) / 1000
    error = (
        f',"error_message":"no answer within 5 s","error_class":"TimeoutError","failed_at":{born + 1},"retry_count":0'
        if failed
        else ""
    )
    return (
        f'{{"retry":true,"queue":"default","class":"NoopJob","args":[{number},"tenant-42"],'
        f'"jid":"{ordered_jid(number)}","created_at":{born}{error}}}'
    ).encode()


def _slices(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, _SLICE)):
        yield some
