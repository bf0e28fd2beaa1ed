"""The backend: tasks as jobs, and results by their ids.

On the wire a task is an ordinary job. Its class is the task's dotted path, so that the data API, the web page and
Ruby show its real name.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple

from django.db import transaction
from django.utils.module_loading import autodiscover_modules

from teep.client import AsyncClient, Client
from teep.client.delivery.transactions import around
from teep.client.payloads.push import is_transactional
from teep.config import Config, async_driver_for, default_config, driver_for, extend_default
from teep.integrations.django.tasks import checks, notes
from teep.integrations.django.tasks.interface import (
    BaseTaskBackend,
    InvalidTask,
    Task,
    TaskError,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
    change,
    normalize_json,
    task_backends,
    task_enqueued,
)
from teep.integrations.django.tasks.notes import Notes
from teep.integrations.django.tasks.pushed import FIELD, Pushed, field_of
from teep.integrations.django.tasks.running import job_of, result_of, tell_death
from teep.integrations.django.tasks.task import TeepTask
from teep.integrations.django.transactions import Transaction
from teep.job.definition import Definition, known, register
from teep.job.options import Options
from teep.store import results
from teep.store.jobs import locate
from teep.store.jobs.locate import Where
from teep.store.results import Record
from teep.wire import commands, keys
from teep.wire.stored import Stored

_DAY = 86_400
_OPTIONS = {"results": True, "result_ttl": _DAY, "priorities": {}}


class TeepBackend(BaseTaskBackend):  # type: ignore[misc]  # to mypy Django has no types
    """Runs Django's tasks on teep's workers.

    `TASKS = {"default": {"BACKEND": "teep.integrations.django.tasks.TeepBackend", "QUEUES": [], "OPTIONS": {}}}`

    `teep.integrations.django` must be in INSTALLED_APPS; the setting `TEEP` says which Redis. A task that is enqueued
    inside `transaction.atomic` waits for the commit by itself. `OPTIONS`:

    - `results` (True): keep results; False: `get_result` is not supported, and nothing is written for it.
    - `result_ttl` (86400): seconds for which a result is kept after the task's end.
    - `priorities`: bands, such as `{50: "high", 0: "", -50: "low"}`. A task of the queue `mail` with a priority from
      50 on goes to `mail.high`; the workers must serve `mail.high`, `mail` and `mail.low` in this order. Without it
      a priority is refused, as queues have none.
    """

    task_class = TeepTask
    supports_defer = True
    supports_async_task = True
    _tasks: ClassVar[dict[str, Task]] = {}

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        given = {**_OPTIONS, **self.options}
        self.supports_get_result = bool(given["results"])
        self.result_ttl = int(given["result_ttl"])
        self.priorities: dict[int, str] = given["priorities"]
        self.supports_priority = bool(self.priorities)
        extend_default(DEATHS)

    def validate_task(self, task: Task) -> None:
        """Check a task, and make it a job. Django calls it for each task that is made.

        Raises:
            InvalidTask: it cannot be run here.
        """
        super().validate_task(task)
        if isinstance(task, TeepTask):
            task.job_options  # noqa: B018 - it raises
        path = task.module_path
        before = self._tasks.get(path)
        if before is None or before.func is not task.func:
            definition = Definition(path, Options.parse(path, {"queue": self.queue_of(task)}), job_of(task, self))
            register(definition, instead_of=known(path) if before is not None else None)
            self._tasks[path] = task

    def enqueue(self, task: Task, args: Any, kwargs: Any) -> TaskResult:
        """Push a task. Inside `transaction.atomic` the push waits for the commit.

        If an identical task waits already (`unique_for`), nothing is pushed, and the id of the result is empty.

        Raises:
            InvalidTask: it cannot be run here.
            TypeError, ValueError: an argument is no JSON.
            InvalidArguments: the arguments do not fit the function.
            RedisError: nothing was pushed, or it is not known.
        """
        item = self._item(task, args, kwargs)
        result = self._result(task, args, kwargs, Client().push(item))
        _after_push(item, partial(self._tell, result))
        return result

    async def aenqueue(self, task: Task, args: Any, kwargs: Any) -> TaskResult:
        """As `enqueue`, without a thread."""
        result = self._result(task, args, kwargs, await AsyncClient().push(self._item(task, args, kwargs)))
        if result.id:
            await task_enqueued.asend(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> TaskResult:
        """Return a task's result, whatever state it is in. Costs two round trips, or a search for one that waits.

        Raises:
            TaskResultDoesNotExist: there is no such task, or its result is forgotten.
        """
        if not self.supports_get_result:
            return super().get_result(result_id)
        return self._found(result_id, driver_for(default_config()).run(_look_for(str(result_id))))

    async def aget_result(self, result_id: str) -> TaskResult:
        """As `get_result`, without a thread."""
        if not self.supports_get_result:
            return await super().aget_result(result_id)
        return self._found(result_id, await async_driver_for(default_config()).run(_look_for(str(result_id))))

    def check(self, **kwargs: Any) -> Iterator[Any]:
        """Say what is wrong with the settings; with `--database` also with Redis, and with the queues of workers."""
        yield from checks.of_options(self, _OPTIONS)
        if kwargs.get("databases"):
            yield from checks.of_redis(self)

    @classmethod
    def known(cls, path: str) -> Task | None:
        """Return the task with this path, if it is imported."""
        return cls._tasks.get(path)

    def queue_of(self, task: Task) -> str:
        """Return the queue of a task, by its priority."""
        band = max((least for least in self.priorities if least <= task.priority), default=None)
        suffix = "" if band is None else self.priorities[band]
        return f"{task.queue_name}.{suffix}" if suffix else str(task.queue_name)

    def _item(self, task: Task, args: Any, kwargs: Any) -> dict[str, Any]:
        self.validate_task(task)
        definition = known(task.module_path)
        if definition is None:
            raise InvalidTask(f"{task.module_path} is no task of this backend")
        item = definition.to_payload(tuple(normalize_json(args)), normalize_json(kwargs))
        if isinstance(task, TeepTask):
            item = {**task.job_options, **item}
        item["queue"] = self.queue_of(task)
        item[FIELD] = field_of(task)
        if self.supports_get_result:
            item["keep_result"] = self.result_ttl
        if task.run_after is not None:
            item["at"] = task.run_after.timestamp()
        return item

    def _result(self, task: Task, args: Any, kwargs: Any, jid: str | None) -> TaskResult:
        result = result_of(None, task, self, args, kwargs)
        change(result, id=jid or "", enqueued_at=datetime.now(UTC))
        return result

    def _tell(self, result: TaskResult) -> None:
        if result.id:
            task_enqueued.send(type(self), task_result=result)

    def _found(self, result_id: str, look: "_Look") -> TaskResult:
        task = self._task_of(look.job)
        if task is None or look.job is None:
            raise TaskResultDoesNotExist(result_id)
        seen = look.notes
        result = result_of(look.job, task, self, look.job.args, look.job.kwargs)
        change(
            result, id=result_id, status=look.status, started_at=seen.started, last_attempted_at=seen.last,
            errors=seen.errors, worker_ids=seen.workers,
        )  # fmt: skip
        if result.is_finished:
            change(result, finished_at=seen.finished)
        if result.status == TaskResultStatus.SUCCESSFUL and look.record is not None:
            change(result, _return_value=look.record.value)
        if result.status == TaskResultStatus.FAILED and not result.errors and (error := look.error) is not None:
            result.errors.append(error)
        return result

    def _task_of(self, job: "Pushed | None") -> Task | None:
        """Return the task that was pushed, in the queue and with the priority that it had; None: no task of this one.

        A path in Redis is data: it imports nothing, but finds a task among those of the project.
        """
        if job is None or job.alias != self.alias:
            return None
        if job.path not in self._tasks:
            autodiscover_modules("tasks")
        if (task := self._tasks.get(job.path)) is None:
            return None
        try:
            return replace(task, backend=self.alias, queue_name=job.queue_name, priority=job.priority)
        except InvalidTask:  # the settings have changed since
            return task


class _Look(NamedTuple):
    """All that is known of a task: the record of its end, its attempts, and where its job is."""

    record: Record | None
    notes: Notes
    job: Pushed | None
    where: Where | None

    @property
    def status(self) -> TaskResultStatus:
        if self.record is not None and self.record.status == "succeeded":
            return TaskResultStatus.SUCCESSFUL
        if self.where is None or self.where == "dead":
            return TaskResultStatus.FAILED
        return TaskResultStatus.RUNNING if self.where == "working" else TaskResultStatus.READY

    @property
    def error(self) -> TaskError | None:
        """The error of its last run as the job has it, if its attempts tell of none."""
        if self.record is None or self.record.error_class is None:
            return None
        lines = [*self.record.error_backtrace, f"{self.record.error_class}: {self.record.error_message or ''}"]
        return TaskError(exception_class_path=self.record.error_class, traceback="\n".join(lines))


async def _look_for(jid: str) -> _Look:
    """Look for a task. The record of a success says all; a job that failed may be anywhere by now."""
    record, fields = await commands.pipeline(commands.lindex(keys.result(jid), -1), notes.read(jid))
    seen, ended = notes.parse(fields), None if record is None else results.parse(record)
    if ended is not None and ended.status == "succeeded":
        return _Look(ended, seen, seen.pushed, None)
    place = await locate.find(jid)
    if place is None:
        # It may have ended meanwhile.
        ended = ended or await results.read(jid)
        return _Look(ended, seen, seen.pushed if ended is not None else None, None)
    if place.where == "dead":
        ended = ended or results.of_dead(place.raw)
    return _Look(ended, seen, Pushed.of(Stored(place.raw).fields), place.where)


class _Deaths:
    """Has Django told of tasks that failed for good."""

    def join(self, config: Config) -> None:
        config.death_handlers.append(_tell_of)


DEATHS = _Deaths()


def _tell_of(job: dict[str, Any], error: BaseException) -> None:
    pushed = Pushed.of(job)
    if pushed is not None and (task := TeepBackend.known(pushed.path)) is not None:
        tell_death(task_backends[pushed.alias], task, str(job.get("jid", "")), pushed, error)


def _after_push(item: dict[str, Any], call: Callable[[], None]) -> None:
    """Call a function once a push is sent: now, or if it waits for a transaction, after that has committed."""
    waiting = [each for each in around() if isinstance(each, Transaction)]
    if waiting and is_transactional(default_config(), item):
        transaction.on_commit(call, using=waiting[-1].alias, robust=True)
    else:
        call()
