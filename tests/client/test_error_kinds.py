"""A refused argument is one of teep's errors, and a TypeError, ValueError or RuntimeError by its kind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import teep
from teep import testing
from teep.errors import InvalidJob, InvalidType, InvalidValue, NotAsync, NotHere, TeepError, UnknownCondition
from teep.job.iterable import enumerators

NOWHERE = teep.Config(redis_url="redis://127.0.0.1:1")
ANY: Any = ...  # what no signature allows


@teep.job
async def awaited() -> None: ...


REFUSED: list[tuple[Callable[[], Any], type[TeepError], type[Exception]]] = [
    (lambda: teep.RetrySet(config=NOWHERE).where(tag=ANY), InvalidType, TypeError),
    (lambda: teep.RetrySet(config=NOWHERE).where(tga=ANY), UnknownCondition, TypeError),  # type: ignore[call-arg]
    (lambda: teep.RetrySet(config=NOWHERE).where(older_than=-1), InvalidValue, ValueError),
    (lambda: teep.ScheduledSet(config=NOWHERE).schedule(ANY, {}), InvalidType, TypeError),
    (lambda: teep.ScheduledSet(config=NOWHERE).schedule(float("nan"), {}), InvalidValue, ValueError),
    (lambda: awaited.perform_at(timedelta(1)), InvalidType, TypeError),  # type: ignore[arg-type]
    (lambda: awaited.perform_in(ANY), InvalidType, TypeError),
    (lambda: teep.Client(NOWHERE).enqueue(ANY), InvalidType, TypeError),
    (lambda: teep.Stats.History(0, config=NOWHERE), InvalidValue, ValueError),
    (lambda: next(enumerators.array_batches_enumerator([], cursor=None, batch_size=0)), InvalidValue, ValueError),
    (lambda: next(enumerators.array_batches_enumerator([], cursor=None, batch_size=ANY)), InvalidType, TypeError),
]


@pytest.mark.parametrize(("call", "kind", "python"), REFUSED)
def test_a_refused_argument(call: Callable[[], Any], kind: type[TeepError], python: type[Exception]) -> None:
    with pytest.raises(python) as caught:
        call()
    assert type(caught.value) is kind
    assert isinstance(caught.value, InvalidJob)


async def _push_awaited() -> None:
    await teep.Client(NOWHERE).push({"class": "Noop", "args": []})  # type: ignore[misc]


async def _run_here() -> None:
    awaited.perform_inline()


@pytest.mark.parametrize(
    ("call", "kind", "python"), [(_push_awaited, NotAsync, TypeError), (_run_here, NotHere, RuntimeError)]
)
def test_a_call_at_the_wrong_place(call: Callable[[], Any], kind: type[TeepError], python: type[Exception]) -> None:
    import asyncio

    with pytest.raises(python) as caught:
        asyncio.run(call())
    assert type(caught.value) is kind


def test_a_call_of_the_test_kit_outside_of_its_mode() -> None:
    with pytest.raises(RuntimeError) as caught:
        testing.drain()
    assert type(caught.value) is NotHere
