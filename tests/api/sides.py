"""The two sides of the data API behind one face, so that each case is written once."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, cast

import msgspec

import teep
from teep.config import async_driver_for
from tests.support.servers import Server

SideName = Literal["sync", "async"]
SIDES: tuple[SideName, ...] = ("sync", "async")


class Side:
    """One side of the data API on one server.

    `side.Queue("low")` is a `teep.Queue` or a `teep.AsyncQueue`; `side.run(queue.size())` is its size on either,
    and `side.listed(queue)` what it iterates over. Values are `Any`: what types they have is `tests/typing`'s matter.
    """

    def __init__(self, name: SideName, server: Server, runner: asyncio.Runner) -> None:
        self.name = name
        self.server = server
        self.config = teep.Config(redis_url=server.url)
        self._runner = runner
        self._loop = runner.get_loop()  # a step of it is cheaper than one of the runner

    def __getattr__(self, name: str) -> Any:
        return partial(self.kind(name), config=self.config)

    def kind(self, name: str) -> Any:
        """The class of this name on this side."""
        return getattr(teep, name if self.name == "sync" else f"Async{name}")

    def run(self, value: Any) -> Any:
        """The value of a call: on the async side it is awaited."""
        return self._loop.run_until_complete(value) if asyncio.iscoroutine(value) else value

    def listed(self, iterable: Any) -> list[Any]:
        """Everything that an iteration gives."""
        return list(iterable) if self.name == "sync" else self._runner.run(_gathered(iterable))

    def walk(self, iterable: Any) -> Iterator[Any]:
        """An iteration, step by step."""
        if self.name == "sync":
            yield from iterable
            return
        steps = aiter(iterable)
        while (item := self._loop.run_until_complete(_next(steps))) is not None:
            yield item

    def stats(self) -> Any:
        """A snapshot."""
        return self.kind("Stats")(config=self.config) if self.name == "sync" else self.run(self._fetched("Stats"))

    def history(self, days: int, start: Any = None) -> Any:
        """The history of some days."""
        if self.name == "sync":
            return teep.History(days, start, config=self.config)
        return self.run(self._fetched("History", days, start))

    def queues(self) -> Any:
        """Every queue."""
        return self.run(self.kind("Queue").all(config=self.config))

    def push(self, *jobs: Mapping[str, Any] | str, queue: str = "default") -> None:
        """Lay payloads, or what is none, into a queue; the last one is the newest."""
        self.server.commands([("SADD", "queues", queue), ("LPUSH", f"queue:{queue}", *map(raw, jobs))])

    def add(self, name: str, jobs: Mapping[float, Mapping[str, Any] | str]) -> None:
        """Lay payloads, or what is none, into a set at their scores."""
        self.server.commands(("ZADD", name, repr(score), raw(job)) for score, job in jobs.items())

    def lying(self, queue: str = "default") -> list[dict[str, Any]]:
        """The payloads in a queue, newest first, read without teep."""
        return [msgspec.json.decode(found) for found in self.server.command("LRANGE", f"queue:{queue}", 0, -1)]

    def scored(self, name: str) -> dict[bytes, float]:
        """A set's members and scores, read without teep."""
        found = cast("Sequence[tuple[bytes, float]]", self.server.client.zrange(name, 0, -1, withscores=True))
        return dict(found)

    async def _fetched(self, name: str, *args: Any) -> Any:
        return await self.kind(name).fetch(*args, config=self.config)


@contextmanager
def opened(name: SideName, server: Server) -> Iterator[Side]:
    """A side for the time of a test, its connections closed at the end."""
    with asyncio.Runner() as runner:
        side = Side(name, server, runner)
        yield side
        if name == "async":
            runner.run(async_driver_for(side.config).close())


def job(number: int = 0, **fields: Any) -> dict[str, Any]:
    """A payload with a jid that says its number."""
    return {"class": "Noop", "args": [number], "queue": "default", "jid": f"{number:024x}"} | fields


def jid(number: int) -> str:
    """The jid of `job(number)`."""
    return f"{number:024x}"


def raw(payload: Mapping[str, Any] | str) -> bytes:
    """A payload's bytes; a string stands for itself."""
    return payload.encode() if isinstance(payload, str) else msgspec.json.encode(payload)


async def _gathered(iterable: Any) -> list[Any]:
    return [item async for item in iterable]


async def _next(steps: Any) -> Any:
    return await anext(steps, None)
