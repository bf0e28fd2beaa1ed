"""Whatever raises while a job's run is told of, the job is settled exactly once, and its slot goes on."""

import asyncio
import contextlib
import gc
import itertools
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from prometheus_client import CollectorRegistry

import teep
from teep.integrations.opentelemetry import OpenTelemetry
from teep.integrations.prometheus import Prometheus
from teep.integrations.statsd import Statsd
from teep.middleware import around
from teep.worker.fetch.tallies import Tallies
from teep.worker.logs import job_lines
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


class Base(BaseException):
    """What no `except Exception` catches."""


class Unspeakable(Exception):
    """An error that ends the interpreter when it is asked for anything."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__

    def __bool__(self) -> bool:
        raise KeyboardInterrupt

    def __eq__(self, other: object) -> bool:
        raise KeyboardInterrupt

    __hash__ = None  # type: ignore[assignment]


def _deep() -> NoReturn:
    _deep()


_INTERRUPTIONS: tuple[type[BaseException], ...] = (teep.errors.Shutdown, teep.JobCancelled, teep.JobTimeout)
_ERRORS: tuple[type[BaseException], ...] = (
    ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, RecursionError, StopIteration, MemoryError,
    asyncio.CancelledError, Base, Unspeakable, *_INTERRUPTIONS,
)  # fmt: skip


class Trap:
    """Raises in the worker's threads, once a kind of error is set."""

    def __init__(self) -> None:
        self.error: type[BaseException] | None = None

    def spring(self, *_args: Any, **_kwargs: Any) -> Any:
        if self.error is RecursionError:
            gc.disable()  # what is collected down there would meet the same error, which is reported as the test's
            try:
                _deep()
            finally:
                gc.enable()
        if self.error is not None:
            raise self.error


class _Filter(logging.Filter):
    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self._trap = trap

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("teep"):
            self._trap.spring()
        return True


class _Handler(logging.Handler):
    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self._trap = trap

    def emit(self, record: logging.LogRecord) -> None:
        self._trap.spring(self.format(record))


class _Formatter(logging.Formatter):
    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self._trap = trap

    def format(self, record: logging.LogRecord) -> str:
        self._trap.spring(record)
        return ""


class _Spans(SpanProcessor):
    def __init__(self, trap: Trap) -> None:
        self.on_start = self.on_end = trap.spring  # type: ignore[method-assign]


class _Weird:
    """What a job returns, and nobody should ask for anything."""

    def __init__(self, trap: Trap) -> None:
        self._trap = trap

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "_trap").spring()
        return object.__getattribute__(self, name)

    def __bool__(self) -> bool:
        object.__getattribute__(self, "_trap").spring()
        return True


class Scene:
    """A configuration to set a trap in, and the options of the jobs that will run."""

    def __init__(self, fleet: Fleet, trap: Trap, patch: pytest.MonkeyPatch) -> None:
        self.config = fleet.configure(concurrency=1, backtrace_cleaner=self._clean)
        self.trap = trap
        self.patch = patch
        self.options: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.returned: Any = None
        self.raised: Callable[[], BaseException] = lambda: OSError("as intended")
        self.clean: Callable[[list[str]], Any] = lambda lines: lines

    def _clean(self, lines: list[str]) -> list[str]:
        return list(self.clean(lines))


Point = Callable[[Scene], contextlib.AbstractContextManager[object] | None]


@contextmanager
def _on_root(handler: logging.Handler) -> Iterator[None]:
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


@contextmanager
def _filtered(filterer: logging.Logger, added: logging.Filter) -> Iterator[None]:
    filterer.addFilter(added)
    yield
    filterer.removeFilter(added)


def _handler_filter(scene: Scene) -> contextlib.AbstractContextManager[object]:
    handler = logging.NullHandler()
    handler.handle = logging.Handler.handle.__get__(handler)  # type: ignore[method-assign]
    handler.addFilter(_Filter(scene.trap))
    return _on_root(handler)


def _formatter(scene: Scene) -> contextlib.AbstractContextManager[object]:
    handler = _Handler(Trap())
    handler.setFormatter(_Formatter(scene.trap))
    return _on_root(handler)


def _record_factory(scene: Scene) -> None:
    usual = logging.getLogRecordFactory()

    def make(name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
        if name.startswith("teep"):
            scene.trap.spring()
        return usual(name, *args, **kwargs)

    scene.patch.setattr(logging, "_logRecordFactory", make)


def _record_fields(scene: Scene) -> None:
    usual = logging.getLogRecordFactory()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = usual(*args, **kwargs)
        record.teep = record.tid = "the user's own"
        return record

    scene.patch.setattr(logging, "_logRecordFactory", make)


def _logger(name: str) -> Point:
    return lambda scene: scene.patch.setattr(logging.Logger, name, scene.trap.spring)


def _is_enabled_for(scene: Scene) -> None:
    scene.patch.setattr(job_lines.logger, "is_on", scene.trap.spring)


def _broken_stderr(scene: Scene) -> contextlib.AbstractContextManager[object]:
    class Stream:
        write = flush = scene.trap.spring

    scene.patch.setattr(sys, "stderr", Stream())
    return _on_root(_Handler(scene.trap))


def _log_level(scene: Scene) -> contextlib.AbstractContextManager[object]:
    handler = logging.NullHandler()
    handler.addFilter = scene.trap.spring  # type: ignore[method-assign]
    scene.fields["log_level"] = "debug"
    return _on_root(handler)


def _handlers(scene: Scene) -> None:
    for handlers in (scene.config.error_handlers, scene.config.death_handlers):
        handlers.insert(0, scene.trap.spring)


def _error_itself(scene: Scene) -> None:
    class Own(Exception):
        def __init__(self) -> None:
            super().__init__("as intended")

        def __getattribute__(self, name: str) -> Any:
            scene.trap.spring()
            return super().__getattribute__(name)

        def __str__(self) -> str:
            scene.trap.spring()
            return "as intended"

        __repr__ = __str__

        def __bool__(self) -> bool:
            scene.trap.spring()
            return True

    scene.raised = Own


def _middleware(*, before: bool) -> Point:
    def point(scene: Scene) -> None:
        @around
        @contextmanager
        def measured(_job: dict[str, Any]) -> Iterator[None]:
            if before:
                scene.trap.spring()
            yield
            scene.trap.spring()

        scene.config.server_middleware.add(measured)

    return point


def _statsd(scene: Scene) -> None:
    statsd = Statsd()
    statsd.close()
    scene.patch.setattr(statsd, "_socket", type("Socket", (), {"send": scene.trap.spring})())
    scene.config.use(statsd)


def _prometheus(scene: Scene) -> None:
    prometheus = Prometheus(CollectorRegistry())
    for name in ("_seconds", "_wait", "_jobs"):
        scene.patch.setattr(prometheus, name, type("Metric", (), {"labels": scene.trap.spring})())
    scene.config.use(prometheus)


def _opentelemetry(scene: Scene) -> None:
    provider = TracerProvider()
    provider.add_span_processor(_Spans(scene.trap))
    scene.config.use(OpenTelemetry(provider))


def _metrics(scene: Scene) -> None:
    for name in ("add", "failed"):
        scene.patch.setattr(Tallies, name, scene.trap.spring)


def _observer(scene: Scene) -> None:
    scene.config.hooks.observers.append(scene.trap.spring)


def _option(name: str) -> Point:
    return lambda scene: scene.options.update({name: lambda *_args: scene.trap.spring()})


_POINTS: dict[str, Point] = {
    "a logger's filter": lambda scene: _filtered(logging.getLogger("teep.job"), _Filter(scene.trap)),
    "a handler": lambda scene: _on_root(_Handler(scene.trap)),
    "a handler's filter": _handler_filter,
    "a formatter": _formatter,
    "a record factory": _record_factory,
    "a record factory's fields": _record_fields,
    "Logger.handle": _logger("handle"),
    "Logger.makeRecord": _logger("makeRecord"),
    "Logger.isEnabledFor": _is_enabled_for,
    "standard error, too": _broken_stderr,
    "a job's log level": _log_level,
    "error and death handlers": _handlers,
    "the error itself": _error_itself,
    "what was returned": lambda scene: setattr(scene, "returned", _Weird(scene.trap)),
    "retry_in": _option("retry_in"),
    "retries_exhausted": _option("retries_exhausted"),
    "backtrace_cleaner": lambda scene: setattr(scene, "clean", scene.trap.spring),
    "middleware before": _middleware(before=True),
    "middleware after": _middleware(before=False),
    "StatsD": _statsd,
    "Prometheus": _prometheus,
    "OpenTelemetry": _opentelemetry,
    "metrics": _metrics,
    "an observer": _observer,
}
# What is part of a run, so that what it raises is the job's failure.
_OF_THE_RUN = ("middleware before", "middleware after")
_MEASURING = ("StatsD", "Prometheus", "OpenTelemetry")
# How each of four jobs ends that fail with these retries; the first one does not.
_ENDINGS: dict[str, bool | int] = {"well": True, "again": 3, "dead": 0, "dropped": False}
_numbers = itertools.count()


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("point", _POINTS)
def test_a_job_is_settled_once_whatever_raises_what(
    valkey_fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, point: str, is_async: bool
) -> None:
    caplog.set_level("INFO")
    fleet, trap, ran = valkey_fleet, Trap(), list[str]()
    with monkeypatch.context() as patch:
        scene = Scene(fleet, trap, patch)
        with _POINTS[point](scene) or contextlib.nullcontext():
            names = _define_jobs(scene, ran, is_async=is_async)
            worker = fleet.start(scene.config)
            # What measures lets an interruption through, which may be meant for the job.
            for error in (error for error in _ERRORS if point not in _MEASURING or error not in _INTERRUPTIONS):
                trap.error = error
                pushed = {
                    fleet.push(name, retry=_ENDINGS[ending], **scene.fields): ending for ending, name in names.items()
                }
                _await_settled(fleet, len(pushed), error)
                _check_settled(fleet, pushed, point)
                assert sorted(ran) == ([] if point == "middleware before" else sorted(_ENDINGS))
                ran.clear()
                fleet.server.flushall()
            assert worker.stop()
            trap.error = None
    assert fleet.queue() == []


def _define_jobs(scene: Scene, ran: list[str], *, is_async: bool) -> dict[str, str]:
    """Define a job for each ending; return their names by it."""

    def define(ending: str) -> str:
        def end() -> Any:
            ran.append(ending)
            if ending == "well":
                return scene.returned
            raise scene.raised()

        async def aend() -> Any:
            await asyncio.sleep(0)
            return end()

        name = f"{ending}-{next(_numbers)}"
        teep.job(name=name, **scene.options)(aend if is_async else end)
        return name

    return {ending: define(ending) for ending in _ENDINGS}


def _await_settled(fleet: Fleet, count: int, error: type[BaseException]) -> None:
    wait_until(
        lambda: fleet.counters()[0] == count and not fleet.in_flight(),
        SOON,
        lambda: f"{count} jobs to be settled at {error}: {fleet.counters()}, {fleet.in_flight()}",
    )


def _check_settled(fleet: Fleet, pushed: dict[str, str], point: str) -> None:
    found = {
        ending: [key for key in ("retry", "dead") for raw in fleet.members(key) if jid.encode() in raw]
        for jid, ending in pushed.items()
    }
    if point in _OF_THE_RUN:
        assert found.pop("well") in ([], ["retry"])
    else:
        assert found.pop("well") == []
    assert found == {"again": ["retry"], "dead": ["dead"], "dropped": []}
