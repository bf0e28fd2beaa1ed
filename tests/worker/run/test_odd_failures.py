"""Whatever a job raises, and whatever lies in a queue, the worker lives on and nothing is lost."""

import asyncio
import sys
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NoReturn

import pytest

import teep
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.poison import PoisonGuard
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


class Unspeakable(Exception):
    """An error that cannot be shown."""

    def __str__(self) -> str:
        raise LookupError("no words")


class Muted(Exception):
    """An error whose message ends the interpreter."""

    def __str__(self) -> str:
        raise SystemExit


class Base(BaseException):
    """What no `except Exception` catches."""


class Boundless(Exception):
    """An error that looks for its attributes in itself."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.response, name)


class Contrary(Exception):
    """An error that is neither true nor false."""

    def __bool__(self) -> bool:
        raise ValueError("neither")

    def __len__(self) -> int:
        raise SystemExit

    def __eq__(self, other: object) -> bool:
        raise SystemExit

    __hash__ = None  # type: ignore[assignment]


class Liar(Exception):
    """An error that tells nothing of itself."""

    def __getattribute__(self, name: str) -> Any:
        raise KeyboardInterrupt(name)


def _noted(error: Exception) -> Exception:
    error.add_note("see order 7")
    return error


_RAISED: list[tuple[Callable[[], Any], str, str]] = [
    (
        Unspeakable,
        "tests.worker.run.test_odd_failures.Unspeakable",
        "(its message cannot be shown: LookupError in __str__)",
    ),
    (Muted, "tests.worker.run.test_odd_failures.Muted", "(its message cannot be shown: SystemExit in __str__)"),
    (lambda: Base("base"), "tests.worker.run.test_odd_failures.Base", "base"),
    (lambda: SystemExit(3), "SystemExit", "3"),
    (lambda: KeyboardInterrupt("^C"), "KeyboardInterrupt", "^C"),
    (lambda: GeneratorExit("g"), "GeneratorExit", "g"),
    (lambda: asyncio.CancelledError("c"), "asyncio.exceptions.CancelledError", "c"),
    (lambda: teep.errors.Shutdown("not really"), "teep.errors.Shutdown", "not really"),
    (lambda: ValueError("x" * 20_000), "ValueError", "x" * 10_000),
    (lambda: ValueError("lone \ud800"), "ValueError", "lone ?"),
    (
        lambda: ExceptionGroup("several", [ValueError(), Unspeakable()]),
        "ExceptionGroup",
        (
            "several (2 sub-exceptions): ValueError; tests.worker.run.test_odd_failures.Unspeakable:"
            " (its message cannot be shown: LookupError in __str__)"
        ),
    ),
    (
        lambda: BaseExceptionGroup("outer", [ExceptionGroup("inner", [_noted(KeyError("a"))]), SystemExit(1)]),
        "BaseExceptionGroup",
        "outer (2 sub-exceptions): KeyError: 'a'\nsee order 7; SystemExit: 1",
    ),
    (lambda: _noted(ValueError("declined")), "ValueError", "declined\nsee order 7"),
    (lambda: Boundless("no answer"), "tests.worker.run.test_odd_failures.Boundless", "no answer"),
    (lambda: Contrary("no answer"), "tests.worker.run.test_odd_failures.Contrary", "no answer"),
    (lambda: Liar("no answer"), "tests.worker.run.test_odd_failures.Liar", "no answer"),
]


def _raiser(error: Callable[[], Any]) -> Any:
    @teep.job(name=f"raise-{id(error)}")
    def job() -> NoReturn:
        raise error()

    return job


def _async_raiser(error: Callable[[], Any]) -> Any:
    @teep.job(name=f"araise-{id(error)}")
    async def job() -> NoReturn:
        await asyncio.sleep(0)
        raise error()

    return job


def _still_works(fleet: Fleet) -> bool:
    """Run a job of either kind in every slot."""
    ran: SimpleQueue[str] = SimpleQueue()

    @teep.job(name="plain")
    def plain() -> None:
        ran.put("def")

    @teep.job(name="coroutine")
    async def coroutine() -> None:
        ran.put("async def")

    for job in (plain, coroutine):
        fleet.push(job)
    return {ran.get(timeout=SOON) for _ in range(2)} == {"def", "async def"}


@pytest.mark.parametrize("kind", [_raiser, _async_raiser])
@pytest.mark.parametrize(("error", "error_class", "message"), _RAISED, ids=[entry[1] for entry in _RAISED])
def test_whatever_a_job_raises_is_its_failure(
    fleet: Fleet,
    caplog: pytest.LogCaptureFixture,
    kind: Callable[[Any], Any],
    error: Callable[[], Any],
    error_class: str,
    message: str,
) -> None:
    fleet.push(kind(error))
    fleet.start(concurrency=1)
    after = fleet.failed_payload()
    assert (after["error_class"], after["error_message"]) == (error_class, message)
    assert after["retry_count"] == 0
    assert _still_works(fleet)
    (traceback,) = (record.exc_text for record in caplog.records if record.exc_info)
    assert traceback is not None
    assert f'File "{__file__}"' in traceback
    assert "/src/teep/" not in traceback


@pytest.mark.parametrize(("kind", "error_class"), [(_raiser, "StopIteration"), (_async_raiser, "RuntimeError")])
def test_stop_iteration_is_a_failure_too(fleet: Fleet, kind: Callable[[Any], Any], error_class: str) -> None:
    fleet.push(kind(StopIteration))
    fleet.start(concurrency=1)
    assert fleet.failed_payload()["error_class"] == error_class
    assert _still_works(fleet)


def test_an_exit_in_a_task_of_an_async_job_fails_that_job_only(fleet: Fleet) -> None:
    async def leave() -> NoReturn:
        await asyncio.sleep(0)
        sys.exit("from a child")

    @teep.job(name="job")
    async def job() -> None:
        await asyncio.gather(leave())

    fleet.push(job)
    fleet.start(concurrency=1)
    assert fleet.failed_payload()["error_message"] == "from a child"
    assert _still_works(fleet)


def test_a_job_class_that_cannot_be_made_fails(fleet: Fleet) -> None:
    class Unmade(teep.Job, name="Unmade"):
        def __init__(self) -> None:
            raise OSError("no instance")

        def perform(self) -> None: ...

    fleet.push(Unmade.set())
    fleet.start()
    assert fleet.failed_payload()["error_message"] == "no instance"


@pytest.mark.parametrize("fields", [{"args": [1, 2]}, {"args": []}, {"args": [1], "kwargs": {"b": 2}}, {"kwargs": 5}])
def test_wrong_arguments_are_a_type_error_and_are_retried(fleet: Fleet, fields: dict[str, Any]) -> None:
    @teep.job(name="one")
    def one(_a: int) -> None: ...

    fleet.push("one", **{"args": [1], **fields})
    fleet.start()
    assert fleet.failed_payload()["error_class"] == "TypeError"
    assert _still_works(fleet)


def test_an_unknown_class_is_retried(fleet: Fleet) -> None:
    fleet.push("NoSuchJob", 1)
    fleet.start()
    after = fleet.failed_payload()
    assert after["error_class"] == "teep.errors.UnknownJob"
    assert "NoSuchJob" in after["error_message"]
    assert after["retry_count"] == 0


_MALFORMED = [
    b"this is not JSON {",
    b"",
    b"\xff\xfe\x00",
    b'{"class":"x","args":["\xc3\x28"]}',
    b"[]",
    b"null",
    b"5",
    b"{}",
    b'{"class":"x"}',
    b'{"args":[]}',
    b'{"class":5,"args":[]}',
    b'{"class":"x","args":{}}',
    b"[" * 100_000,
    b'{"class":"x","args":[1e400]}',
    b'{"class":"x","args":[NaN]}',
    b'{"class":"x","args":["\\ud800"]}',
    b'{"class":"x","args":[]} trailing',
]


@pytest.mark.parametrize("raw", _MALFORMED, ids=lambda raw: repr(raw[:30]))
def test_bytes_that_are_no_job_go_to_the_dead_set_as_they_are_and_count_nowhere(fleet: Fleet, raw: bytes) -> None:
    config = fleet.configure(concurrency=1)
    reports: SimpleQueue[BaseException] = SimpleQueue()
    config.error_handlers.append(lambda error, _context: reports.put(error))
    fleet.push_raw(raw)
    fleet.start(config)
    assert wait_until(lambda: fleet.members("dead"), SOON, "the dead set") == [raw]
    assert fleet.counters() == (0, 0)
    assert isinstance(reports.get(timeout=SOON), teep.errors.MalformedPayload)
    assert reports.empty()
    assert fleet.in_flight() == []
    assert _still_works(fleet)


def test_a_payload_whose_fields_cannot_be_reckoned_with_dies_as_it_is(fleet: Fleet) -> None:
    beyond_a_double, more = b"1" + b"0" * 400, b"1" + b"0" * 500
    raw = b'{"class":"NoSuchJob","args":[],"retry":%s,"retry_count":%s}' % (more, beyond_a_double)
    fleet.push_raw(raw)
    fleet.start(concurrency=1)
    assert wait_until(lambda: fleet.members("dead"), SOON, "the dead set") == [raw]
    assert _still_works(fleet)


def test_an_expiry_beyond_all_numbers_costs_no_slot(valkey_fleet: Fleet) -> None:
    fleet = valkey_fleet
    fleet.push_raw(b'{"class":"NoSuchJob","args":[],"retry":0,"expires_in":5,"expiry":-1%s}' % (b"0" * 400))
    fleet.start(concurrency=1)
    assert wait_until(lambda: fleet.members("dead"), SOON, "the dead set")
    assert _still_works(fleet)


def test_a_failure_of_teeps_own_before_a_run_costs_no_slot(
    valkey_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def admit(_suspects: PoisonGuard, _job: UnitOfWork) -> bool:
        raise RuntimeError("as intended")

    monkeypatch.setattr(PoisonGuard, "admit", admit)
    reports: SimpleQueue[BaseException] = SimpleQueue()
    config = valkey_fleet.configure(concurrency=1)
    config.error_handlers.append(lambda error, _context: reports.put(error))
    valkey_fleet.push("NoSuchJob", rescues=1)
    worker = valkey_fleet.start(config)
    assert str(reports.get(timeout=SOON)) == "as intended"
    assert _still_works(valkey_fleet)
    valkey_fleet.wait_until_processed(2, in_flight=1)
    assert len(valkey_fleet.in_flight()) == 1
    assert worker.stop()
    assert len(valkey_fleet.queue()) == 1
