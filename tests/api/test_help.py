"""What `help()`, `inspect` and editors see of the data API and the client, on either side."""

import inspect
import pydoc
import re
from collections.abc import Iterator
from typing import Any

import pytest

import teep
from teep.drivers.operation import AsyncSide, SyncSide, operation

# Public classes with operations, each with the halves that it is made of.
SIDES = sorted(
    {kind for kind in vars(teep).values() if isinstance(kind, type) and issubclass(kind, (SyncSide, AsyncSide))},
    key=lambda kind: kind.__name__,
)


def operations(kind: type) -> Iterator[tuple[str, Any, Any]]:
    """Name, method and plan of each operation of a class."""
    for name in dir(kind):
        marked = next((vars(base)[name] for base in reversed(kind.__mro__) if name in vars(base)), None)
        if isinstance(marked, operation):
            yield name, getattr(kind, name), marked.plan


@pytest.mark.parametrize("kind", SIDES, ids=lambda kind: kind.__name__)
def test_an_operation_is_a_method_with_a_name_a_docstring_and_a_signature(kind: type) -> None:
    for name, method, plan in operations(kind):
        assert inspect.isfunction(method), name
        assert (method.__name__, method.__doc__) == (plan.__name__, plan.__doc__)
        assert method.__doc__, f"{kind.__name__}.{name} has no docstring"
        assert method.__qualname__.endswith(f".{plan.__name__}")
        assert list(inspect.signature(method).parameters) == list(inspect.signature(plan).parameters)
        assert inspect.iscoroutinefunction(method) is issubclass(kind, AsyncSide), name


@pytest.mark.parametrize("kind", SIDES, ids=lambda kind: kind.__name__)
def test_a_public_class_has_a_docstring(kind: type) -> None:
    assert kind.__doc__
    assert len(kind.__doc__) > 20


@pytest.mark.parametrize("kind", SIDES, ids=lambda kind: kind.__name__)
def test_no_type_variable_is_left_in_a_signature(kind: type) -> None:
    for name, method, _ in operations(kind):
        assert "~" not in str(inspect.signature(method)), name


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        (teep.Queue.find_job, "(self, jid: str | None) -> api.jobs.records.JobRecord | None"),
        (teep.Queue("x").find_job, "(jid: str | None) -> api.jobs.records.JobRecord | None"),
        (teep.AsyncQueue.find_job, "(self, jid: str | None) -> api.jobs.records.AsyncJobRecord | None"),
        (teep.AsyncQueue("x").size, "() -> int"),
        (teep.DeadSet().scan, "(match: str) -> list[api.jobs.entries.SortedEntry]"),
        (
            teep.AsyncWorkSet().find_work,
            "(jid: str | None) -> api.fleet.work.Work[api.jobs.records.AsyncJobRecord] | None",
        ),
        (
            teep.Client.cancel,
            "(self, jid: str | None) -> Literal['working', 'queued', 'scheduled', 'retrying'] | None",
        ),
        (teep.AsyncProcessSet().get, "(identity: str) -> api.fleet.processes.AsyncProcess | None"),
    ],
)
def test_a_signature_says_what_the_class_gives(method: Any, signature: str) -> None:
    said = str(inspect.signature(method)).replace("typing.", "").replace("teep.", "")
    assert re.sub(r"Optional\[(.+)\]$", r"\1 | None", said) == signature  # how Python 3.13 writes some


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (teep.Queue, ["A queue by its name", "size(self) -> int", "One O(1) command", "latency(self) -> float"]),
        (teep.AsyncQueue, ["A queue by its name", "async size(self) -> int", "async find_job(self, jid"]),
        (teep.Queue.size, ["size(self) -> int", "One O(1) command"]),
        (teep.AsyncQueue.size, ["async size(self) -> int", "One O(1) command"]),
        (teep.Queue("x").find_job, ["find_job(jid", "the search is done inside Redis"]),
        (teep.RetrySet, ["Jobs that failed", "groups(self)", "retry_all(self) -> int"]),
        (teep.AsyncSortedEntry, ["A job with its time", "async reschedule(self, at"]),
        (teep.Client.push, ["push(self, item", "One round trip"]),
        (teep.AsyncClient.push_bulk, ["async push_bulk(self, items", "read lazily"]),
    ],
)
def test_help_shows_it(thing: Any, words: list[str]) -> None:
    # From 3.13 on a long signature is shown with a line for each parameter.
    shown = " ".join(pydoc.plain(pydoc.render_doc(thing)).split()).replace("( ", "(")
    for expected in words:
        assert expected in shown, shown


class _Half:
    """What both sides share."""

    @operation
    async def one(self) -> int:
        """Return 1."""
        return 1

    two = one


class _Sync(_Half, SyncSide):
    def _run(self, plan: Any) -> Any:
        return _ended(plan)


class _Async(_Half, AsyncSide):
    async def _run(self, plan: Any) -> Any:
        return _ended(plan)


def _ended(plan: Any) -> Any:
    try:
        plan.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it awaits nothing")


def test_a_method_can_be_replaced_called_by_super_and_known_by_two_names() -> None:
    class Mine(_Sync):
        def one(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
            return super().one() + 1

    assert (Mine().one(), Mine().two(), _Sync().one(), _Sync.one(_Sync())) == (2, 1, 1, 1)
    assert Mine.__doc__ == _Half.__doc__


def test_an_awaited_method_does_nothing_until_it_is_awaited() -> None:
    coroutine = _Async().one()
    with pytest.raises(StopIteration, match="1"):
        coroutine.send(None)


def test_a_bound_method_is_made_without_a_call() -> None:
    """No closure for each access: what is bound is one function."""
    side = _Sync()
    assert side.one.__func__ is side.one.__func__ is _Sync.one  # type: ignore[attr-defined]
