"""A web page on the session's Valkey, and visitors of it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import teep
import teep.web
from tests.support import emptied
from tests.support.servers import Server
from tests.web.visitor import Visitor

MakeVisitor = Callable[..., Visitor]

store, config = emptied.store, emptied.config


@pytest.fixture(autouse=True)
def unshared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is read anew: tests change Redis beside the app."""
    monkeypatch.setattr("teep.web.rendering.shared.SECONDS", 0)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def visit(config: teep.Config, runner: asyncio.Runner) -> Iterator[MakeVisitor]:
    """Makes visitors of an app with these options."""
    made = []

    def make(**options: Any) -> Visitor:
        made.append(Visitor(teep.web.app(config, **options), runner))
        return made[-1]

    yield make
    for visitor in made:
        visitor.close()


@pytest.fixture
def visitor(visit: MakeVisitor) -> Visitor:
    """A visitor who may do everything."""
    return visit()


def payload(number: int, **fields: Any) -> str:
    """A job as it lies in Redis."""
    item = {"class": f"app.job_{number % 3}", "args": [number], "jid": f"{number:024x}", "queue": "default"}
    return json.dumps({**item, **fields})


def fill(store: Server, key: str, count: int, **fields: Any) -> None:
    """Put jobs into a set, a second apart."""
    for start in range(0, count, 1000):
        numbers = range(start, min(start + 1000, count))
        store.client.zadd(key, {payload(number, **fields): 1_000_000 + number for number in numbers})
