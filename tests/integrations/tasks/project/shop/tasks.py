"""The tasks of the project."""

from typing import Any

import teep

try:
    from django.tasks import TaskContext, task
except ImportError:
    from django_tasks import TaskContext, task


@task
def noop(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


@task
def add(a: int, b: int = 2, *, c: int = 0) -> dict[str, int]:
    return {"sum": a + b + c}


@task
async def add_async(a: int, b: int) -> tuple[int, bytes]:
    return a + b, b"as text"


@task(takes_context=True, retry=1)
def with_context(context: TaskContext, how: str) -> list[Any]:
    if how == "fail" and context.attempt == 1:
        raise ValueError("the first attempt fails")
    return [context.attempt, context.task_result.id, how]


@task(retry=False)
def boom(message: str = "boom") -> None:
    raise KeyError(message)


@task(retry=False)
async def boom_async() -> None:
    raise KeyError("async boom")


@task
def no_json() -> object:
    return object()


@task(unique_for=60, tags=["eu"], queue_name="mail", timeout=30)
def once(order: int) -> int:
    return order


@task(backend="bands", queue_name="mail")
def banded(number: int) -> int:
    return number


@task(backend="forgetful")
def forgotten(number: int) -> int:
    return number


@teep.job
def importing() -> None:
    """Import the module of another task, as the first one to do so."""
    from shop.late import late

    late.enqueue()


@teep.job
def plain(number: int) -> int:
    return number
