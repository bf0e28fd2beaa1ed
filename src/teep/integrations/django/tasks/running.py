"""A task as a worker runs it: its context, the notes of its attempts, and Django's signals.

A run is noted before and after the task, which takes a round trip each. If Redis is away just then, the run goes on
without: the job itself is settled as ever. Where no worker runs it, as in tests, nothing is noted.
"""

import asyncio
import inspect
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from datetime import UTC, datetime
from functools import wraps
from traceback import format_exception
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from teep.config import Config, async_driver_for, default_config, driver_for
from teep.errors import JobCancelled, NotHere, RedisError, Retry, Shutdown, Snooze
from teep.integrations.django.tasks import notes
from teep.integrations.django.tasks.interface import (
    Task,
    TaskContext,
    TaskError,
    TaskResult,
    TaskResultStatus,
    change,
    normalize_json,
    task_finished,
    task_started,
)
from teep.integrations.django.tasks.pushed import Pushed
from teep.job.context import current_job, current_worker
from teep.telling import Logger
from teep.wire.command import Plan

logger = Logger("teep")

# Ends of a run that are no failure of the task.
_NO_FAILURES = (JobCancelled, Shutdown, Retry, Snooze, asyncio.CancelledError)


def job_of(task: Task, backend: Any) -> Callable[..., Any]:
    """Return the function that the job of a task calls. It takes the task's arguments, without the context."""
    function, takes_context = task.func, task.takes_context

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        this = _Run(task, backend, args, kwargs)
        this.note(this.beginning())
        this.tell_start()
        try:
            value = function(*this.context(), *args, **kwargs)
        except BaseException as error:
            this.note(this.failing(error))
            raise
        value = this.succeeded(value)
        this.note(this.ending())
        this.tell_end()
        return value

    @wraps(function)
    async def run_async(*args: Any, **kwargs: Any) -> Any:
        this = _Run(task, backend, args, kwargs)
        await this.anote(this.beginning())
        await sync_to_async(this.tell_start)()
        try:
            value = await function(*this.context(), *args, **kwargs)
        except BaseException as error:
            await this.anote(this.failing(error))
            raise
        value = this.succeeded(value)
        await this.anote(this.ending())
        await sync_to_async(this.tell_end)()
        return value

    made: Any = run_async if inspect.iscoroutinefunction(function) else run
    if takes_context:
        signature = inspect.signature(function)
        made.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    return made  # type: ignore[no-any-return]


class _Run:
    """One run of a task, and what Django is told of it."""

    def __init__(self, task: Task, backend: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._task = task
        self._backend = backend
        self._began = time.time()
        self._config, self._worker = _where()
        job = current_job()
        self._payload = {} if job is None else job.payload
        self._is_noted = backend.supports_get_result and job is not None and job.run is not None
        self.result = result_of(Pushed.of(self._payload), task, backend, args, kwargs)
        now, jid = datetime.fromtimestamp(self._began, UTC), str(self._payload.get("jid", ""))
        change(self.result, id=jid, status=TaskResultStatus.RUNNING, started_at=now, last_attempted_at=now)
        self.result.worker_ids.append(self._worker)

    def context(self) -> tuple[TaskContext, ...]:
        return (TaskContext(task_result=self.result),) if self._task.takes_context else ()

    async def beginning(self) -> None:
        before = await notes.begin(self.result.id, self._payload, self._worker, self._began, self._backend.result_ttl)
        change(self.result, started_at=before.started or self.result.started_at)
        self.result.worker_ids[:0] = before.workers
        self.result.errors.extend(before.errors)

    async def failing(self, error: BaseException) -> None:
        if not isinstance(error, _NO_FAILURES):
            await notes.end(self.result.id, time.time(), error_of(error), self._began, self._backend.result_ttl)

    async def ending(self) -> None:
        await notes.end(self.result.id, time.time(), None, self._began, self._backend.result_ttl)

    def succeeded(self, value: Any) -> Any:
        """Note the value of a task, and return it as JSON; if it is none it is not kept, and a warning says so."""
        kept = None
        with suppress(TypeError, ValueError):
            value = kept = normalize_json(value)
        change(self.result, status=TaskResultStatus.SUCCESSFUL, finished_at=datetime.now(UTC), _return_value=kept)
        return value

    def tell_start(self) -> None:
        task_started.send_robust(type(self._backend), task_result=self.result)

    def tell_end(self) -> None:
        task_finished.send_robust(type(self._backend), task_result=self.result)

    def note(self, plan: Plan[None]) -> None:
        if not self._is_noted:
            plan.close()
            return
        try:
            driver_for(self._config).run(plan)
        except RedisError as error:
            _complain(error)

    async def anote(self, plan: Plan[None]) -> None:
        if not self._is_noted:
            plan.close()
            return
        try:
            await async_driver_for(self._config).run(plan)
        except RedisError as error:
            _complain(error)


def _complain(error: RedisError) -> None:
    logger.warning("an attempt of a task is not noted, so its result may not show it: %s", error)


def _where() -> tuple[Config, str]:
    """Return the configuration, and the name of the process that runs the task."""
    try:
        worker = current_worker()
    except NotHere:
        return default_config(), "inline"
    return worker.config, worker.identity


def result_of(pushed: Pushed | None, task: Task, backend: Any, args: Any, kwargs: dict[str, Any]) -> TaskResult:
    """Return the result of a task that has not run yet."""
    return TaskResult(
        task=task, id="", status=TaskResultStatus.READY, enqueued_at=None if pushed is None else pushed.enqueued_at,
        started_at=None, finished_at=None, last_attempted_at=None, args=list(args), kwargs=kwargs,
        backend=backend.alias, errors=[], worker_ids=[],
    )  # fmt: skip


def error_of(error: BaseException) -> TaskError:
    """Return an exception as Django's results have it."""
    kind = type(error)
    return TaskError(
        exception_class_path=f"{kind.__module__}.{kind.__qualname__}", traceback="".join(format_exception(error))
    )


def tell_death(backend: Any, task: Task, jid: str, pushed: Pushed, error: BaseException) -> None:
    """Tell Django that a task has failed for good. On an event loop a thread does it, as receivers may block."""
    result = result_of(pushed, task, backend, pushed.args, pushed.kwargs)
    now = datetime.now(UTC)
    change(result, id=jid, status=TaskResultStatus.FAILED, finished_at=now, last_attempted_at=now)
    result.errors.append(error_of(error))
    result.worker_ids.append(_where()[1])

    def tell() -> None:
        try:
            raise error  # noqa: TRY301 - receivers look for it by sys.exc_info()
        except BaseException:  # noqa: BLE001 - raised just here
            task_finished.send_robust(type(backend), task_result=result)

    def tell_in_thread() -> None:
        try:
            tell()
        finally:
            connections.close_all()

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        tell()
    else:
        loop.run_in_executor(None, copy_context().run, tell_in_thread)
