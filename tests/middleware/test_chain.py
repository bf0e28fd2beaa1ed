"""The chain: its order, what it refuses, and middleware of a context manager around both kinds of jobs."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest

import teep
from teep.errors import ConfigurationError, InvalidJob
from teep.middleware import Chain, Middleware, around
from tests.worker.fleet import Fleet

Item = dict[str, Any]


class _Named:
    """Tells that it was there."""

    def __init__(self, name: str, order: list[str]) -> None:
        self._name = name
        self._order = order

    def __call__(self, _job: Item, call_next: Callable[[], Any]) -> Any:
        self._order.append(self._name)
        return call_next()


@pytest.fixture
def order() -> list[str]:
    return []


@pytest.fixture
def named(order: list[str]) -> dict[str, Middleware]:
    return {name: _Named(name, order) for name in "abcd"}


def _order_of(chain: Chain, order: list[str]) -> str:
    order.clear()
    assert chain.invoke({"class": "x"}, lambda: "result") == "result"
    return "".join(order)


def test_places_in_the_chain(named: dict[str, Middleware], order: list[str]) -> None:
    a, b, c, d = named.values()
    chain = Chain()
    chain.add(b)
    chain.prepend(a)
    chain.insert_after(b, d)
    chain.insert_before(d, c)
    assert _order_of(chain, order) == "abcd"
    chain.add(a)
    assert _order_of(chain, order) == "bcda"
    chain.insert_before(b, d)
    assert _order_of(chain, order) == "dbca"
    chain.remove(c)
    chain.remove(c)
    assert _order_of(chain, order) == "dba"
    assert (len(chain), list(chain), c in chain, b in chain) == (3, [d, b, a], False, True)
    chain.clear()
    assert _order_of(chain, order) == ""


def test_a_neighbour_that_is_not_there(named: dict[str, Middleware]) -> None:
    chain = Chain()
    for insert in (chain.insert_before, chain.insert_after):
        with pytest.raises(ConfigurationError, match="is not in the chain"):
            insert(named["a"], named["b"])
        with pytest.raises(ConfigurationError, match="is not in the chain"):
            insert(named["a"], named["a"])
    assert not len(chain)


@pytest.mark.parametrize("add", ["add", "prepend", "insert_before", "insert_after"])
def test_a_class_is_refused_for_it_would_swallow_every_job(add: str, named: dict[str, Middleware]) -> None:
    chain = Chain()
    chain.add(named["a"])
    neighbour = () if add in ("add", "prepend") else (named["a"],)
    with pytest.raises(ConfigurationError, match=r"give an instance: _Named\(\.\.\.\)"):
        getattr(chain, add)(*neighbour, _Named)
    with pytest.raises(ConfigurationError, match=r"a callable \(job, call_next\), not 'a'"):
        getattr(chain, add)(*neighbour, "a")


async def _coroutine(_job: Item, call_next: Callable[[], Any]) -> Any:
    return await call_next()


def _failure(fleet: Fleet, job: Any) -> tuple[str, str]:
    """Let a worker run a job, and return the class and the message of its failure."""
    fleet.start(fleet.config)
    fleet.push(job)
    after = fleet.failed_payload()
    return after["error_class"], after["error_message"]


def test_an_async_middleware_fails_a_def_job_instead_of_losing_it(fleet: Fleet) -> None:
    @teep.job(name="plain")
    def plain() -> None:
        """Never gets so far."""

    fleet.config.server_middleware.add(_coroutine)
    error_class, message = _failure(fleet, plain)
    assert error_class == "teep.errors.ConfigurationError"
    assert "around 'plain' is an async def" in message


def _forgetful(_job: Item, call_next: Callable[[], Any]) -> None:
    call_next()


@pytest.mark.parametrize("middleware", [None, _forgetful], ids=["alone", "middleware"])
def test_a_coroutine_of_a_def_job_fails_it_instead_of_losing_it(fleet: Fleet, middleware: Any) -> None:
    async def coroutine() -> None:
        """Never gets so far."""

    @teep.job(name="wrapped")
    @wraps(coroutine)
    def wrapped() -> Any:
        return coroutine()

    if middleware is not None:
        fleet.config.server_middleware.add(middleware)
    error_class, message = _failure(fleet, wrapped)
    assert error_class == "teep.errors.InvalidJob"
    assert "wrapped is a plain def that returned a coroutine" in message


async def _forgetful_coroutine(_job: Item, call_next: Callable[[], Any]) -> None:
    call_next()


@pytest.mark.parametrize("middleware", [_forgetful, _forgetful_coroutine])
def test_an_async_job_that_a_middleware_forgets_to_await_fails(fleet: Fleet, middleware: Middleware) -> None:
    @teep.job(name="coroutine")
    async def coroutine() -> None:
        """Never gets so far."""

    fleet.config.server_middleware.add(middleware)
    error_class, message = _failure(fleet, coroutine)
    assert error_class == "teep.errors.ConfigurationError"
    assert "around the async def job 'coroutine', and neither returned nor awaited" in message


def test_an_async_client_middleware_is_refused(offline: teep.Config) -> None:
    offline.client_middleware.add(_coroutine)
    with pytest.raises(ConfigurationError, match="around a push"):
        teep.Client().push({"class": "x", "args": []})


def test_a_client_middleware_must_return_the_payload(offline: teep.Config) -> None:
    offline.client_middleware.add(lambda _job, call_next: bool(call_next()))
    with pytest.raises(InvalidJob, match="returns what call_next"):
        teep.Client().push({"class": "x", "args": []})


@pytest.fixture(params=["def", "async def"])
def job(request: pytest.FixtureRequest, order: list[str]) -> Any:
    """A job of either kind that says when it runs, and fails where it is told to."""

    def end(fails: bool) -> str:
        order.append("ran")
        if fails:
            raise ValueError("no luck")
        return "result"

    async def coroutine(fails: bool = False) -> str:
        order.append("called")
        await asyncio.sleep(0)
        return end(fails)

    def plain(fails: bool = False) -> str:
        order.append("called")
        return end(fails)

    return teep.job(name="job")(coroutine if request.param == "async def" else plain)


@pytest.fixture
def surrounded(offline: teep.Config, order: list[str]) -> None:
    @contextmanager
    def manager(job: Item) -> Iterator[None]:
        order.append(f"enter {job['class']}")
        try:
            yield
        except ValueError:
            order.append("saw")
            raise
        finally:
            order.append("leave")

    offline.server_middleware.add(around(manager))


@pytest.mark.usefixtures("surrounded")
def test_a_context_manager_is_left_when_the_job_has_ended(job: Any, order: list[str]) -> None:
    assert job.perform_inline() == "result"
    assert order == ["enter job", "called", "ran", "leave"]


@pytest.mark.usefixtures("surrounded")
def test_a_context_manager_sees_what_the_job_raises(job: Any, order: list[str]) -> None:
    with pytest.raises(ValueError, match="no luck"):
        job.perform_inline(True)
    assert order == ["enter job", "called", "ran", "saw", "leave"]


@pytest.mark.usefixtures("surrounded")
@pytest.mark.parametrize(
    ("culprit", "message"),
    [("job", "job is a plain def that returned a coroutine"), ("middleware", "around 'job' is an async def")],
)
def test_a_context_manager_is_left_where_a_coroutine_is_refused(
    offline: teep.Config, order: list[str], culprit: str, message: str
) -> None:
    async def coroutine() -> None:
        order.append("ran")

    def plain() -> Any:
        return coroutine() if culprit == "job" else order.append("ran")

    if culprit == "middleware":
        offline.server_middleware.add(_coroutine)
    with pytest.raises(ValueError, match=message):
        teep.job(name="job")(plain).perform_inline()
    assert order == ["enter job", "saw", "leave"]


@pytest.mark.usefixtures("surrounded")
def test_awaitables_that_are_no_coroutines(offline: teep.Config, order: list[str]) -> None:
    chain = offline.server_middleware

    async def go_through() -> None:
        future = asyncio.get_running_loop().create_future()
        assert chain.invoke({"class": "def"}, lambda: future) is future  # such as a task that it has started
        assert order == ["enter def", "leave"]
        run = asyncio.create_task(chain.ainvoke({"class": "async def"}, lambda: future))
        await asyncio.sleep(0)
        assert order[2:] == ["enter async def"]
        future.set_result("result")
        assert await run == "result"
        assert order[3:] == ["leave"]

    asyncio.run(go_through())


def test_a_context_manager_around_pushes(offline: teep.Config, order: list[str]) -> None:
    @contextmanager
    def manager(job: Item) -> Iterator[None]:
        job["seen"] = True
        yield
        order.append("left")

    offline.client_middleware.add(around(manager))
    with teep.testing.fake() as jobs:
        teep.Client().push({"class": "x", "args": []})
    assert (jobs[0]["seen"], order) == (True, ["left"])


def test_copies_of_a_configuration_share_its_middleware_once(named: dict[str, Middleware]) -> None:
    config = teep.Config()
    config.server_middleware.add(named["a"])
    config.server_middleware.add(named["c"])
    config.client_middleware.add(named["b"])
    config.on("startup", lambda: None)
    copy = config.copy(concurrency=3)
    copy.server_middleware.prepend(named["c"])
    copy.hooks.merge(config.hooks)
    copy.hooks.merge(copy.hooks)
    assert (list(copy.server_middleware), list(copy.client_middleware)) == ([named["c"], named["a"]], [named["b"]])
    assert copy.listeners("startup") == config.listeners("startup")
    copy.server_middleware.clear()
    assert len(config.server_middleware) == 2


def test_who_took_the_log_out_of_the_error_handlers_does_not_get_it_back() -> None:
    def tell(_error: BaseException, _context: dict[str, Any]) -> None: ...

    config = teep.Config()
    config.error_handlers[:] = [tell]
    config.hooks.merge(teep.Config().hooks)
    assert config.error_handlers == config.copy(concurrency=3).error_handlers == [tell]
    assert teep.Config().copy(concurrency=3).error_handlers == teep.Config().error_handlers
