"""One run of a job with injected arguments: factories are called before it, and closed after it.

Each factory that yields sees the job's exception, and none can hide it: a session that was committed because another
factory caught the error would be a lie.
"""

from collections.abc import Callable
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any

from teep.errors import InvalidJob
from teep.job.injection.needs import Factory, Kind, Needs, kind_of, needs_of_factory
from teep.job.injection.overrides import factory_for


def injecting(function: Callable[..., Any], needs: Needs, *, is_async: bool) -> Callable[..., Any]:
    """Return a function that takes what is pushed alone, and calls `function` with the injected arguments beside."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        scope, outcome, failure = _Scope(), None, None
        try:
            given = scope.values(needs)
            outcome = function(*args, **kwargs, **given)
        except BaseException as error:  # noqa: BLE001 - it is raised below, once all is closed
            failure = error
        try:
            return _ended(outcome, scope.close(failure))
        finally:
            del failure  # this frame and the error would keep each other alive

    @wraps(function)
    async def run_async(*args: Any, **kwargs: Any) -> Any:
        scope, outcome, failure = _Scope(), None, None
        try:
            given = await scope.avalues(needs)
            outcome = await function(*args, **kwargs, **given)
        except BaseException as error:  # noqa: BLE001 - as above
            failure = error
        try:
            return _ended(outcome, await scope.aclose(failure))
        finally:
            del failure  # as above

    return run_async if is_async else run


def _ended(outcome: Any, failure: BaseException | None) -> Any:
    if failure is None:
        return outcome
    try:
        raise failure
    finally:
        del failure


class _Scope:
    """The values of one run, each made once, and what is to be closed."""

    def __init__(self) -> None:
        self._made: dict[Factory, Any] = {}
        self._open: list[tuple[Any, bool]] = []
        """Context managers, and whether each is an asynchronous one."""

    def values(self, needs: Needs) -> dict[str, Any]:
        """Return the value for each name, made now unless this run has it already."""
        return {name: self._value(factory_for(factory)) for name, factory in needs.items()}

    async def avalues(self, needs: Needs) -> dict[str, Any]:
        return {name: await self._avalue(factory_for(factory)) for name, factory in needs.items()}

    def _value(self, factory: Factory) -> Any:
        if factory not in self._made:
            if (kind := kind_of(factory)).waits:
                raise InvalidJob(f"a plain def job cannot wait for the async factory {factory!r}: make it async def")
            self._made[factory] = self._make(factory, kind, self.values(needs_of_factory(factory)))
        return self._made[factory]

    async def _avalue(self, factory: Factory) -> Any:
        if factory not in self._made:
            kind, given = kind_of(factory), await self.avalues(needs_of_factory(factory))
            if kind is Kind.YIELDS_AWAITED:
                manager = asynccontextmanager(factory)(**given)
                value = await manager.__aenter__()
                self._open.append((manager, True))
            elif kind is Kind.AWAITED:
                value = await factory(**given)
            else:
                value = self._make(factory, kind, given)
            self._made[factory] = value
        return self._made[factory]

    def _make(self, factory: Factory, kind: Kind, given: dict[str, Any]) -> Any:
        if kind is not Kind.YIELDS:
            return factory(**given)
        manager = contextmanager(factory)(**given)
        value = manager.__enter__()
        self._open.append((manager, False))
        return value

    def close(self, failure: BaseException | None) -> BaseException | None:
        """Close what is open, the last one first; returns the error that the run ends with."""
        while self._open:
            manager, _ = self._open.pop()
            try:
                manager.__exit__(*_raised(failure))
            except BaseException as error:  # noqa: BLE001 - the next ones are closed with it, and then it is raised
                failure = error
        return failure

    async def aclose(self, failure: BaseException | None) -> BaseException | None:
        while self._open:
            manager, is_async = self._open.pop()
            try:
                if is_async:
                    await manager.__aexit__(*_raised(failure))
                else:
                    manager.__exit__(*_raised(failure))
            except BaseException as error:  # noqa: BLE001 - as above
                failure = error
        return failure


def _raised(error: BaseException | None) -> tuple[Any, Any, Any]:
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)
