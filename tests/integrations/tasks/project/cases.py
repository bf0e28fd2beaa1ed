"""Cases after Django's own for backends, and those that only teep has; run by test_tasks.py."""

import asyncio
import json
import pickle
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import django
import pytest

django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.management.base import SystemCheckError  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from shop import tasks  # noqa: E402

import teep  # noqa: E402
from teep.config import default_config, driver_for  # noqa: E402
from teep.integrations.django.tasks import TeepBackend, TeepTask  # noqa: E402
from teep.integrations.django.tasks.interface import (  # noqa: E402
    InvalidTask,
    TaskResultDoesNotExist,
    TaskResultStatus,
    task_backends,
    task_enqueued,
    task_finished,
    task_started,
)
from teep.testing.worker import InProcessWorker  # noqa: E402
from teep.wire import commands  # noqa: E402

try:
    from django.tasks import task
    from django.tasks.exceptions import TaskResultMismatch
except ImportError:
    from django_tasks import task
    from django_tasks.exceptions import TaskResultMismatch


@pytest.fixture(autouse=True)
def _empty() -> None:
    driver_for(default_config()).execute(commands.flushdb())


@pytest.fixture
def worker() -> Iterator[InProcessWorker]:
    worker = InProcessWorker(default_config())
    yield worker
    worker.stop()


class Heard:
    """The signals that came, in order, each with its sender, and the exception that was at hand."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str]] = []
        self.results: list[Any] = []
        self.signals = {"enqueued": task_enqueued, "started": task_started, "finished": task_finished}

    def __enter__(self) -> Self:
        for name, signal in self.signals.items():
            signal.connect(self._on(name), weak=False, dispatch_uid=name)
        return self

    def __exit__(self, *_: object) -> None:
        for name, signal in self.signals.items():
            signal.disconnect(dispatch_uid=name)

    def _on(self, name: str) -> Any:
        def receive(sender: type, task_result: Any, **_: Any) -> None:
            assert sender is TeepBackend
            self.said.append((name, task_result.task.name, str(task_result.status)))
            self.results.append(task_result)

        return receive


def test_a_task_is_a_job_on_the_wire() -> None:
    result = tasks.add.enqueue(1, c=3)
    (job,) = teep.Queue("default")
    assert (job.klass, job.args, job["kwargs"]) == ("shop.tasks.add", [1], {"c": 3})
    assert (job.jid, job["dj"], job["keep_result"]) == (result.id, {"b": "default"}, 86400)
    assert len(result.id) == 24
    assert (result.status, result.args, result.kwargs) == (TaskResultStatus.READY, [1], {"c": 3})
    assert abs(result.enqueued_at - timezone.now()) < timedelta(seconds=20)
    assert (result.started_at, result.finished_at, result.last_attempted_at) == (None, None, None)
    assert (result.backend, result.errors, result.worker_ids, result.attempts) == ("default", [], [], 0)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_result_goes_from_ready_to_successful(worker: InProcessWorker, is_async: bool) -> None:
    if is_async:
        result = asyncio.run(tasks.add_async.aenqueue(1, 2))
        look = lambda: asyncio.run(tasks.add_async.aget_result(result.id))  # noqa: E731
    else:
        result = tasks.add.enqueue(1)
        look = lambda: tasks.add.get_result(result.id)  # noqa: E731
    waiting = look()
    assert (waiting.status, waiting.args, waiting.is_finished) == (TaskResultStatus.READY, result.args, False)
    with pytest.raises(ValueError, match="not finished"):
        _ = waiting.return_value
    worker.drain()
    done = look()
    assert done.status == TaskResultStatus.SUCCESSFUL
    assert done.return_value == ([3, "as text"] if is_async else {"sum": 3})
    assert done.enqueued_at <= done.started_at == done.last_attempted_at <= done.finished_at
    assert (done.attempts, done.errors, done.args) == (1, [], result.args)
    result.refresh()
    assert (result.status, result.return_value) == (done.status, done.return_value)
    asyncio.run(result.arefresh())


@pytest.mark.parametrize("name", ["boom", "boom_async"])
def test_a_failure_without_retries_is_failed(worker: InProcessWorker, name: str) -> None:
    one = getattr(tasks, name)
    with Heard() as heard:
        result = one.enqueue()
        worker.drain(raise_errors=False)
        teep.testing.wait_until(lambda: len(heard.said) == 3)
    result.refresh()
    assert (result.status, result.is_finished, result.attempts) == (TaskResultStatus.FAILED, True, 1)
    (error,) = result.errors
    assert error.exception_class is KeyError
    assert "Traceback" in error.traceback
    assert "boom" in error.traceback
    with pytest.raises(ValueError, match="failed"):
        _ = result.return_value
    assert heard.said == [("enqueued", name, "READY"), ("started", name, "RUNNING"), ("finished", name, "FAILED")]
    assert heard.results[-1].errors[0].exception_class is KeyError
    assert heard.results[-1].id == result.id


def test_a_task_may_be_imported_by_a_job(worker: InProcessWorker) -> None:
    with Heard() as heard:
        tasks.importing.perform_async()
        worker.drain(raise_errors=False)
    assert heard.said[-1] == ("finished", "late", "FAILED")


def test_a_retried_task_is_ready_with_its_errors_and_then_successful(worker: InProcessWorker) -> None:
    with Heard() as heard:
        result = tasks.with_context.enqueue("fail")
        worker.drain(raise_errors=False)
        result.refresh()
        assert (result.status, result.attempts, result.finished_at) == (TaskResultStatus.READY, 1, None)
        assert [error.exception_class for error in result.errors] == [ValueError]
        first = result.started_at
        teep.RetrySet().retry_all()
        worker.drain()
    result.refresh()
    assert result.return_value == [2, result.id, "fail"]
    assert (result.attempts, len(result.errors), result.started_at) == (2, 1, first)
    assert result.last_attempted_at > first
    assert [said[0] for said in heard.said] == ["enqueued", "started", "started", "finished"]


def test_a_task_can_be_deferred() -> None:
    at = timezone.now() + timedelta(hours=1)
    result = tasks.add.using(run_after=at).enqueue(1)
    (entry,) = teep.ScheduledSet()
    assert abs(entry.at - at) < timedelta(milliseconds=1)
    result.refresh()
    assert result.status == TaskResultStatus.READY
    tasks.add.using(run_after=timezone.now() - timedelta(hours=1)).enqueue(1)
    assert teep.Queue("default").size() == 1
    with pytest.raises(InvalidTask, match="aware"):
        tasks.add.using(run_after=datetime(2030, 1, 1))  # noqa: DTZ001 - that is the mistake


def test_inside_a_transaction_a_task_waits_for_the_commit() -> None:
    with Heard() as heard:
        with transaction.atomic():
            held = tasks.add.enqueue(1)
            now = tasks.add.using(transactional=False).enqueue(2)
            assert [job.jid for job in teep.Queue("default")] == [now.id]
            assert [each.id for each in heard.results] == [now.id]
            with pytest.raises(TaskResultDoesNotExist):
                tasks.add.get_result(held.id)
        assert [each.id for each in heard.results] == [now.id, held.id]
        held.refresh()
        with suppress(RuntimeError), transaction.atomic():
            tasks.add.enqueue(3)
            raise RuntimeError
    assert teep.Queue("default").size() == 2
    assert len(heard.said) == 2


def test_options_of_a_job_are_options_of_a_task() -> None:
    first, second = tasks.once.enqueue(1), tasks.once.enqueue(1)
    (job,) = teep.Queue("mail")
    assert (job.jid, second.id) == (first.id, "")
    assert (job.tags, job["timeout"], job["unique_for"]) == (["eu"], 30, 60)
    tasks.once.using(unique_for=False, expires_in=timedelta(minutes=5), retry=3).enqueue(1)
    newest = next(iter(teep.Queue("mail")))
    assert (newest["retry"], newest["expires_in"]) == (3, 300)
    assert isinstance(tasks.once, TeepTask)
    if django.VERSION >= (6,):  # django-tasks cannot do that
        assert pickle.loads(pickle.dumps(tasks.once)) == tasks.once


@pytest.mark.parametrize("wrong", [{"retry": -1}, {"timeout": "soon"}, {"unique_until": "never"}])
def test_an_option_that_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidTask):
        tasks.add.using(**wrong)
    with pytest.raises(TypeError):
        task(retries=3)(tasks.add.func)


@pytest.mark.parametrize(
    ("priority", "queue"), [(100, "mail.high"), (50, "mail.high"), (49, "mail"), (0, "mail"), (-1, "mail.low")]
)
def test_bands_of_priority_are_queues(worker: InProcessWorker, priority: int, queue: str) -> None:
    result = tasks.banded.using(priority=priority).enqueue(7)
    assert [job.queue for job in teep.Queue(queue)] == [queue]
    worker.drain()
    result.refresh()
    assert (result.return_value, result.task.priority, result.task.queue_name) == (7, priority, "mail")
    found = tasks.banded.get_result(result.id)
    assert (found.task.priority, found.task.queue_name) == (priority, "mail")


def test_without_bands_a_priority_is_refused() -> None:
    with pytest.raises(InvalidTask, match="priority"):
        tasks.add.using(priority=10)
    with pytest.raises(InvalidTask, match="Queue 'else'"):
        tasks.banded.using(queue_name="else")


def test_a_result_that_is_no_json_is_not_kept_and_the_task_has_succeeded(worker: InProcessWorker) -> None:
    result = tasks.no_json.enqueue()
    worker.drain()
    result.refresh()
    assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, None)


@pytest.mark.parametrize("arguments", [(object(),), ({1, 2},)])
def test_arguments_that_are_no_json_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="Unsupported type"):
        tasks.noop.enqueue(*arguments)
    tasks.noop.enqueue((1, 2), b"bytes")
    assert next(iter(teep.Queue("default"))).args == [[1, 2], "bytes"]
    with pytest.raises(teep.errors.InvalidArguments, match="too many positional"):
        tasks.add.enqueue(1, 2, 3)


def test_an_id_that_is_no_tasks_is_not_found(worker: InProcessWorker) -> None:
    jid = tasks.plain.perform_async(1)
    for unknown in (jid, "0" * 24, "", "{x}", tasks.banded.enqueue(1).id):
        with pytest.raises(TaskResultDoesNotExist):
            tasks.add.get_result(unknown)
    result = tasks.add.enqueue(1)
    with pytest.raises(TaskResultMismatch):
        tasks.boom.get_result(result.id)
    teep.Client().push({"class": "os.system", "args": ["true"], "dj": {"b": "default"}, "jid": "a" * 24})
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result("a" * 24)
    for field in ({}, {"b": 1}, {"b": "default", "p": "x"}, "default", None):
        teep.Client().push({"class": "shop.tasks.add", "args": [1], "dj": field, "jid": "b" * 24})
        with pytest.raises(TaskResultDoesNotExist):
            task_backends["default"].get_result("b" * 24)
        teep.Queue("default").clear()


def test_without_results_nothing_is_written_for_them(worker: InProcessWorker) -> None:
    result = tasks.forgotten.enqueue(1)
    assert "keep_result" not in next(iter(teep.Queue("default"))).item
    worker.drain()
    driver = driver_for(default_config())
    assert driver.execute(commands.exists(*[f"teep:task:{result.id}", f"teep:result:{result.id}"])) is False
    assert not task_backends["forgetful"].supports_get_result
    with pytest.raises(NotImplementedError):
        result.refresh()
    with pytest.raises(NotImplementedError):
        asyncio.run(result.arefresh())


def test_what_is_kept_expires(worker: InProcessWorker) -> None:
    result = tasks.banded.enqueue(1)
    worker.drain()
    driver = driver_for(default_config())
    for key in (f"teep:task:{result.id}", f"teep:result:{result.id}"):
        assert 50_000 < driver.execute(commands.pttl(key)) <= 60_000


def test_odd_notes_are_no_fault(worker: InProcessWorker) -> None:
    result = tasks.add.enqueue(1)
    worker.drain()
    odd = {"started": b"x", "last": b"1e999", "e:1": b"{", "e:2": b"[1]", "w:0": b"\xff"}
    driver_for(default_config()).execute(commands.hset(f"teep:task:{result.id}", odd))
    result.refresh()
    assert (result.status, result.started_at, result.errors) == (TaskResultStatus.SUCCESSFUL, None, [])


def test_a_dead_task_that_noted_nothing_is_failed() -> None:
    result = tasks.add.enqueue(1)
    job = next(iter(teep.Queue("default")))
    teep.DeadSet().kill(json.dumps({**job.item, "error_class": "builtins.OSError", "error_message": "gone"}))
    job.delete()
    result.refresh()
    assert (result.status, result.errors[0].exception_class) == (TaskResultStatus.FAILED, OSError)
    assert "gone" in result.errors[0].traceback


def test_in_tests_a_task_runs_inline() -> None:
    with Heard() as heard, teep.testing.inline():
        tasks.with_context.enqueue("ok")
        asyncio.run(tasks.add_async.aenqueue(1, 2))
    assert [said[0] for said in heard.said].count("finished") == 2
    assert heard.results[1].worker_ids == ["inline"]


def test_a_task_is_called_as_the_function_that_it_is() -> None:
    assert tasks.add.call(1) == {"sum": 3}
    assert asyncio.run(tasks.add_async.acall(1, 2)) == (3, b"as text")


def test_functions_that_no_worker_could_find_are_refused() -> None:
    with pytest.raises(InvalidTask, match="module level"):
        task(lambda: None)

    def inner() -> None: ...

    with pytest.raises(InvalidTask, match="module level"):
        task(inner)
    with pytest.raises(InvalidTask, match="context"):
        replace(tasks.add, takes_context=True)


def test_checks() -> None:
    call_command("check")
    backend = TeepBackend("x", {"OPTIONS": {"resuls": True, "priorities": {"a": 1}}})
    assert [(found.id, found.hint) for found in backend.check()] == [
        ("teep.E001", "did you mean 'results'?"),
        ("teep.E002", None),
    ]


def test_a_check_of_the_database_looks_for_workers(worker: InProcessWorker) -> None:
    bands = task_backends["bands"]
    assert list(bands.check(databases=["default"])) == []  # nobody is there yet
    driver = driver_for(default_config())
    info = json.dumps(
        {"hostname": "h", "started_at": 1.0, "pid": 1, "queues": ["default", "mail"], "identity": "h:1:a"}
    )
    driver.execute(commands.sadd("processes", "h:1:a"))
    fields = {"info": info, "beat": str(datetime.now(UTC).timestamp()), "busy": "0"}
    driver.execute(commands.hset("h:1:a", fields))
    (warning,) = bands.check(databases=["default"])
    assert warning.id == "teep.W002"
    assert "default.high, mail.high, default.low, mail.low" in warning.msg
    assert "-q default.high -q mail.high -q default -q mail -q default.low -q mail.low" in warning.hint


def test_the_projects_checks_include_it() -> None:
    task_backends["default"].options["wrong"] = 1
    try:
        with pytest.raises(SystemCheckError, match=r"teep\.E001"):
            call_command("check")
    finally:
        del task_backends["default"].options["wrong"]
