"""Where pushes go: collected, run at once, or to Redis; for one thread or task, or everywhere."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import teep
from teep import testing
from teep.errors import InvalidArguments, InvalidJob, RedisUnavailable
from tests.support.servers import Server

Push = Callable[[dict[str, Any]], Any]


@pytest.fixture(params=["client", "async client"])
def push(request: pytest.FixtureRequest, offline: teep.Config) -> Push:
    """Pushes a payload from a plain program, or from asyncio."""
    if request.param == "client":
        return teep.Client().push
    return lambda item: asyncio.run(teep.AsyncClient().push(item))


@pytest.fixture
def ran(offline: teep.Config) -> list[Any]:
    """What the job "note" was called with."""
    calls: list[Any] = []

    @teep.job(name="note")
    def note(*args: Any, **kwargs: Any) -> None:
        calls.append((args, kwargs) if kwargs else args)

    return calls


def test_fake_collects_in_the_order_of_the_pushes(push: Push) -> None:
    with testing.fake() as jobs:
        jids = [push({"class": "OfRuby", "args": [n], "queue": "low", "own": "x"}) for n in range(3)]
    assert [job.jid for job in jobs] == jids
    assert [(job.klass, job.args, job.queue, job["own"], job.at) for job in jobs[:1]] == [
        ("OfRuby", [0], "low", "x", None)
    ]
    assert jobs[0].enqueued_at is not None


def test_fake_takes_every_verb_of_both_forms(offline: teep.Config) -> None:
    @teep.job(name="function")
    def function(number: int, *, own: int = 0) -> None: ...

    class Class(teep.Job, name="class"):
        def perform(self, number: int, *, own: int = 0) -> None: ...

    async def awaited(job: Any) -> None:
        await job.aio.perform_async(4)
        await job.aio.perform_bulk([[5]])

    with testing.fake():
        for job in (function, Class):
            job.perform_async(1, own=2)
            job.perform_in(60, 2)
            job.perform_at(4_000_000_000, 3)
            asyncio.run(awaited(job))
            job.set(queue="high").perform_async(6)
        teep.Client().enqueue_to("other", Class, 7)
        assert [job.args[0] for job in testing.jobs] == [1, 2, 3, 4, 5, 6] * 2 + [7]
        assert testing.jobs[0].kwargs == {"own": 2}
        assert [job.score for job in testing.jobs[2:4]] == [4_000_000_000, None]
        assert [job.queue for job in testing.jobs[-2:]] == ["high", "other"]


def test_a_bulk_push_goes_slice_by_slice(offline: teep.Config) -> None:
    def arguments() -> Any:
        yield from ([n] for n in range(1_500))
        yield [{1}]

    with testing.fake() as jobs:
        teep.Client().push_bulk({"class": "OfRuby", "args": ([n] for n in range(5)), "at": [1, 2, 4e9, 1, 1]})
        assert sorted((job.args[0], job.score) for job in jobs if job.score) == [(2, 4e9)]
        jobs.clear()
        with pytest.raises(InvalidArguments, match=r"args\[1500\]\[0\] is a set"):
            teep.Client().push_bulk({"class": "OfRuby", "args": arguments()})
        assert [job.args[0] for job in jobs] == list(range(1_000))  # as in Redis: its own slice was not sent


@pytest.mark.parametrize("mode", [testing.fake, testing.inline])
def test_every_mode_refuses_what_a_real_push_refuses(mode: Any, push: Push, ran: list[Any]) -> None:
    with mode():
        with pytest.raises(InvalidArguments, match="is a set, which is not plain JSON"):
            push({"class": "note", "args": [{1}]})
        with pytest.raises(InvalidJob, match='"queue" must be'):
            push({"class": "note", "args": [], "queue": ""})
    assert ran == []


@pytest.mark.parametrize("mode", [testing.fake, testing.inline])
def test_arguments_go_through_json(mode: Any, push: Push, ran: list[Any]) -> None:
    given = {"a": [1, 2.5, "é", None, 2**70]}
    with mode() as jobs:
        push({"class": "note", "args": [given]})
        received = jobs[0].args[0] if jobs is not None else ran[0][0]
    assert received == given
    assert received is not given


def test_the_client_middleware_changes_and_stops_pushes(push: Push, offline: teep.Config) -> None:
    offline.client_middleware.add(
        lambda item, call_next: None if item["args"] == ["stop"] else call_next() | {"queue": "rerouted"}
    )
    with testing.fake() as jobs:
        assert push({"class": "OfRuby", "args": ["stop"]}) is None
        push({"class": "OfRuby", "args": []})
        assert [(job.args, job.queue) for job in jobs] == [([], "rerouted")]


def test_inline_runs_at_once_inside_both_chains(push: Push, ran: list[Any], offline: teep.Config) -> None:
    order: list[str] = []

    def named(name: str) -> Callable[[dict[str, Any], Callable[[], Any]], Any]:
        def middleware(_: dict[str, Any], call_next: Callable[[], Any]) -> Any:
            order.append(name)
            return call_next()

        return middleware

    offline.client_middleware.add(named("client"))
    offline.server_middleware.add(named("server"))
    with testing.inline():
        jid = push({"class": "note", "args": [1], "kwargs": {"own": 2}})
        push({"class": "note", "args": [2], "at": 4e9})
    assert jid is not None
    assert ran == [((1,), {"own": 2}), (2,)]
    # A scheduled job passes the client middleware once more when it is due.
    assert order == ["client", "server", "client", "client", "server"]


def test_what_an_inline_job_raises_comes_out_of_the_push(push: Push) -> None:
    teep.job(name="fail")(lambda: int("boom"))
    with testing.inline(), pytest.raises(ValueError, match="boom"):
        push({"class": "fail", "args": []})


def test_an_inline_async_job_runs_on_the_loop_that_pushes_it(offline: teep.Config) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @teep.job(name="async")
    async def job() -> None:
        loops.append(asyncio.get_running_loop())

    async def main() -> None:
        await job.aio.perform_async()
        with pytest.raises(RuntimeError, match="await its aio's verb"):
            job.perform_async()
        assert loops == [asyncio.get_running_loop()]

    with testing.inline():
        asyncio.run(main())
        job.perform_async()
    assert len(loops) == 2


def test_modes_nest(server: Server, ran: list[Any]) -> None:
    real = teep.Client(teep.Config(redis_url=server.url))
    with testing.fake() as outer:
        real.push({"class": "note", "args": ["outer"]})
        with testing.inline():
            real.push({"class": "note", "args": ["inline"]})
        with testing.fake() as inner:
            real.push({"class": "note", "args": ["inner"]})
            assert list(testing.jobs) == list(inner)
            with testing.disable():
                real.push({"class": "note", "args": ["real"]})
        real.push({"class": "note", "args": ["outer again"]})
        assert list(testing.jobs) == list(outer)
    real.push({"class": "note", "args": ["real again"]})
    assert [job.args for job in outer] == [["outer"], ["outer again"]]
    assert [job.args for job in inner] == [["inner"]]
    assert ran == [("inline",)]
    assert [job.args for job in teep.Queue(config=real.config)] == [["real again"], ["real"]]


def test_a_failing_test_leaves_no_mode_behind(offline: teep.Config) -> None:
    with pytest.raises(ZeroDivisionError), testing.fake(everywhere=True):
        raise ZeroDivisionError
    with pytest.raises(RedisUnavailable):
        teep.Client().push({"class": "note", "args": []})


def test_a_mode_is_the_threads_own(offline: teep.Config) -> None:
    both_inside = threading.Barrier(2, timeout=30)

    def collect(name: str) -> list[Any]:
        with testing.fake() as jobs:
            both_inside.wait()
            teep.Client().push({"class": "note", "args": [name]})
            both_inside.wait()
            return [job.args for job in jobs]

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(collect, ["a", "b"])) == [[["a"]], [["b"]]]


def test_a_mode_is_the_tasks_own_and_of_those_it_starts(offline: teep.Config) -> None:
    async def push(name: str) -> None:
        await teep.AsyncClient().push({"class": "note", "args": [name]})

    async def collect(name: str, both_inside: asyncio.Barrier) -> list[Any]:
        with testing.fake() as jobs:
            await both_inside.wait()
            await asyncio.gather(push(name), asyncio.to_thread(teep.Client().push, {"class": "note", "args": [name]}))
            await both_inside.wait()
            return [job.args for job in jobs]

    async def main() -> tuple[list[Any], list[Any]]:
        barrier = asyncio.Barrier(2)
        return await asyncio.gather(collect("a", barrier), collect("b", barrier))

    assert list(asyncio.run(main())) == [[["a"], ["a"]], [["b"], ["b"]]]


def test_another_thread_pushes_for_real_unless_the_mode_holds_everywhere(offline: teep.Config) -> None:
    def push() -> None:
        teep.Client().push({"class": "note", "args": []})

    with ThreadPoolExecutor() as pool:
        with testing.fake(), pytest.raises(RedisUnavailable):
            pool.submit(push).result()
        with testing.fake(everywhere=True) as jobs:
            pool.submit(push).result()
            push()
            with testing.fake() as own:
                push()
        assert (len(jobs), len(own)) == (2, 1)
        with pytest.raises(RedisUnavailable):
            pool.submit(push).result()


def test_threads_lose_no_push(offline: teep.Config) -> None:
    client = teep.Client()

    def push(number: int) -> None:
        for _ in range(100):
            client.push({"class": "note", "args": [number]})

    with testing.fake(everywhere=True) as jobs, ThreadPoolExecutor(8) as pool:
        list(pool.map(push, range(8)))
    assert len(jobs) == 800


def test_the_data_api_is_left_alone(server: Server) -> None:
    config = teep.Config(redis_url=server.url)
    teep.Client(config).push({"class": "note", "args": []})
    with testing.fake():
        assert teep.Queue(config=config).size() == 1
        assert teep.Queue(config=config).clear()


def test_outside_of_fake_there_is_nothing_to_ask(offline: teep.Config) -> None:
    for ask in (lambda: list(testing.jobs), testing.clear, testing.drain):
        with (
            testing.inline(),
            pytest.raises(RuntimeError, match=r"that is done inside `with teep.testing.fake\(\):`"),
        ):
            ask()
