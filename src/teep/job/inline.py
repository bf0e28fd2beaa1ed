"""Running a job here and now, as it would run in a worker: through both middleware chains and JSON."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from teep.client.payloads.push import prepare
from teep.config import Config
from teep.errors import NotHere
from teep.job.context import JobContext, running
from teep.job.definition import Definition
from teep.wire import payload
from teep.wire.payload import Item


def run_inline(config: Config, definition: Definition, given: Mapping[str, Any]) -> Any:
    """Run a job and return its result, or None if a client middleware stopped it.

    An error of the job is raised here; nothing is retried and Redis is not used.

    Raises:
        NotHere: the job is async and a loop runs in this thread already.
    """
    _refuse_in_a_loop(definition)
    item = _round_trip(config, given)
    return None if item is None else run(config, definition, item)


async def run_inline_async(config: Config, definition: Definition, given: Mapping[str, Any]) -> Any:
    """As `run_inline`, on the running loop; a plain `def` job runs in this very thread."""
    item = _round_trip(config, given)
    return None if item is None else await run_async(config, definition, item)


def run(config: Config, definition: Definition, item: Item) -> Any:
    """Run the job that a payload describes, inside the server middleware. An async one gets a loop.

    Raises:
        NotHere: the job is async and a loop runs in this thread already.
    """
    _refuse_in_a_loop(definition)
    if definition.is_async:
        return _on_a_loop_of_its_own(config, definition, item)
    return _in_context(item, lambda: config.server_middleware.invoke(item, partial(definition.run, item)))


async def run_async(config: Config, definition: Definition, item: Item) -> Any:
    """As `run`, on the running loop."""
    if definition.is_async:
        return await _run_on_loop(config, definition, item)
    return run(config, definition, item)


def _on_a_loop_of_its_own(config: Config, definition: Definition, item: Item) -> Any:
    """Run an async job on a new loop.

    In a Django program it is asgiref's: the job's queries run in this very thread, on the connections of its caller,
    and so inside of the transaction that a test or a request has open. With any other loop they have connections of
    their own, which see nothing of it, or wait for its locks.
    """
    if (asgiref := sys.modules.get("asgiref.sync")) is not None:
        return asgiref.async_to_sync(_run_on_loop)(config, definition, item)
    import asyncio  # noqa: PLC0415 - see teep.drivers

    return asyncio.run(_run_on_loop(config, definition, item))


def _round_trip(config: Config, given: Mapping[str, Any]) -> Item | None:
    prepared = prepare(config, {name: value for name, value in given.items() if name != "at"})
    return None if prepared is None else payload.parse(prepared.raw)


async def _run_on_loop(config: Config, definition: Definition, item: Item) -> Any:
    token = running.set(partial(JobContext, item))
    try:
        return await config.server_middleware.ainvoke(item, partial(definition.run, item))
    finally:
        running.reset(token)


def _refuse_in_a_loop(definition: Definition) -> None:
    if definition.is_async and _in_a_loop():
        raise NotHere(
            f"{definition.name} is async, and a loop runs here: await its aio's verb (or, in tests, async_drain)"
        )


def _in_a_loop() -> bool:
    import asyncio  # noqa: PLC0415 - see teep.drivers

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_context(item: Item, call: Callable[[], Any]) -> Any:
    token = running.set(partial(JobContext, item))
    try:
        return call()
    finally:
        running.reset(token)
