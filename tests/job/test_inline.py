"""perform_inline: through both middleware chains and a JSON round trip, here and now."""

import asyncio
import gc
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.config import async_driver_for
from teep.errors import InvalidArguments
from teep.wire.command import Command
from tests.support.servers import Server
from tests.support.waiting import wait_until


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Runs an inline verb from a plain program, or from a running event loop."""
    if request.param == "sync":
        return lambda verbs: verbs.perform_inline

    def awaited(verbs: Any) -> Callable[..., Any]:
        return lambda *args, **kwargs: asyncio.run(verbs.aio.perform_inline(*args, **kwargs))

    return awaited


@pytest.fixture(params=["def", "async def"])
def job(request: pytest.FixtureRequest, offline: teep.Config) -> Any:
    """A job of either kind that shows what it got."""

    def show(*args: Any, own: int = 0) -> Any:
        context = teep.current_job()
        assert context is not None
        return {"args": args, "own": own, "jid": context.jid, "queue": context.queue, "attempt": context.attempt}

    async def ashow(*args: Any, own: int = 0) -> Any:
        await asyncio.sleep(0)
        return show(*args, own=own)

    return teep.job(name="the.job", queue="low")(show if request.param == "def" else ashow)


def test_it_returns_what_the_job_returns(job: Any, run: Any) -> None:
    shown = run(job)(1, [2], own=3)
    assert (shown["args"], shown["own"], shown["queue"], shown["attempt"]) == ((1, [2]), 3, "low", 1)
    assert len(shown["jid"]) == 24
    assert teep.current_job() is None


def test_arguments_go_through_json(job: Any, run: Any) -> None:
    given = {"a": [1, 2.5, "é", None, 2**70]}
    (received,) = run(job)(given)["args"]
    assert received == given
    assert received is not given
    with pytest.raises(InvalidArguments, match="is a set"):
        run(job)({1})


def test_middleware_of_both_sides_runs_in_order(job: Any, run: Any, offline: teep.Config) -> None:
    order: list[str] = []

    def named(name: str) -> Callable[[dict[str, Any], Callable[[], Any]], Any]:
        def middleware(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
            order.append(f"{name} {item['class']}")
            return call_next()

        return middleware

    offline.server_middleware.add(named("server"))
    offline.client_middleware.add(named("client"))
    assert run(job)()["args"] == ()
    assert order == ["client the.job", "server the.job"]


def test_an_async_middleware_around_an_async_job(run: Any, offline: teep.Config) -> None:
    async def doubled(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        return 2 * await call_next()

    async def work(number: int) -> int:
        return number + 1

    offline.server_middleware.add(doubled)
    assert run(teep.job(name="the.job")(work))(20) == 42


def test_a_client_middleware_stops_it(job: Any, run: Any, offline: teep.Config) -> None:
    offline.client_middleware.add(lambda item, call_next: None)
    assert run(job)() is None


def test_a_client_middleware_changes_it(job: Any, run: Any, offline: teep.Config) -> None:
    offline.client_middleware.add(lambda item, call_next: call_next() | {"args": [7], "queue": "rerouted"})
    shown = run(job)()
    assert (shown["args"], shown["queue"]) == ((7,), "rerouted")


def test_what_it_raises_comes_out(run: Any, offline: teep.Config) -> None:
    def fail() -> None:
        raise KeyError("boom")

    with pytest.raises(KeyError, match="boom"):
        run(teep.job(name="the.job")(fail))()
    assert teep.current_job() is None


def test_a_time_and_options_of_set(job: Any, run: Any) -> None:
    assert run(job.set(queue="other", wait=60))()["queue"] == "other"


def test_the_class_form(run: Any, offline: teep.Config) -> None:
    class Adding(teep.Job, name="the.class"):
        def perform(self, number: int) -> tuple[int, bool]:
            return number + 1, self.jid is not None

    assert run(Adding)(1) == (2, True)
    assert Adding.perform_sync(1) == (2, True)


def test_inside_a_running_loop_the_plain_verb_of_an_async_job_says_what_to_do(offline: teep.Config) -> None:
    async def work() -> None: ...

    job = teep.job(name="the.job")(work)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="aio"):
            job.perform_inline()

    asyncio.run(main())
    assert inspect.iscoroutinefunction(work)


def test_what_an_async_job_connected_is_closed_with_its_loop(config: teep.Config, server: Server) -> None:
    @teep.job(name="connects")
    async def connects() -> int:
        return await async_driver_for(config).execute(Command("CLIENT", "ID", read=int))

    gc.disable()  # which would close what nobody has closed
    try:
        connection = connects.perform_inline()
        clients = server.client.client_list
        wait_until(lambda: all(int(client["id"]) != connection for client in clients()), 20, "its end")
    finally:
        gc.enable()
