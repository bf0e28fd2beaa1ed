"""The quick way to a job's line: the same bytes as logging's own, and only if nothing else would hear of it."""

import contextlib
import functools
import io
import logging
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from teep.worker.fetch.unit import UnitOfWork
from teep.worker.logs import fast_lines, job_lines, log
from teep.worker.logs.log_handler import LineHandler
from teep.worker.startup.claims import keep_loggers

JID = "0123456789abcdef01234567"
ITEM: dict[str, Any] = {"class": "Noop", "jid": JID, "args": [1], "queue": "default"}


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What `_set_up` logs to; all is as it was afterwards."""
    monkeypatch.setattr(fast_lines, "_current", [])
    root = logging.getLogger()
    level, factory = root.level, logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)  # a library that other tests load may have left its own
    yield io.StringIO()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, LineHandler | _Heard)]
    root.setLevel(level)
    logging.setLogRecordFactory(factory)
    for name in ("teep", "teep.job"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.filters.clear()
        logger.propagate = True


def _set_up(stream: io.StringIO, *, as_json: bool = False) -> None:
    keep_loggers()  # as a worker does
    with contextlib.redirect_stderr(stream):
        log.set_up("INFO", as_json=as_json)


def _tell(item: dict[str, Any]) -> None:
    job_lines.started(item, "k3")
    job_lines.ended(UnitOfWork("default", b'{"class":"Noop","args":[],"jid":"a"}'), "k3", 1.23456)


def _count_records(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []

    class Counted(logging.LogRecord):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self.getMessage())

    # Both names that the look compares: it takes this one for the usual one.
    monkeypatch.setattr(logging, "LogRecord", Counted)
    logging.setLogRecordFactory(Counted)
    return made


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    "item",
    [
        ITEM,
        {**ITEM, "tags": ["a", "grün"], "bid": "b1"},
        {**ITEM, "wrapped": "Inner", "class": "Outer", "args": [{"job_class": "x"}]},
        {"class": 'odd"\n\ud800', "args": []},
    ],
    ids=["plain", "tagged", "wrapped", "odd"],
)
def test_its_bytes_are_those_of_a_record(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, as_json: bool, item: dict[str, Any]
) -> None:
    moment = 1_795_903_201.0625
    monkeypatch.setattr(time, "time", lambda: moment)
    monkeypatch.setattr(time, "time_ns", lambda: int(moment * 10**9))
    made = _count_records(monkeypatch)
    _set_up(stream, as_json=as_json)
    _tell(item)
    quick, made[:] = stream.getvalue(), []
    assert quick.count("\n") >= 2
    stream.truncate(0)
    stream.seek(0)
    logging.getLogger().handlers[0].addFilter(lambda _: True)
    _tell(item)
    assert stream.getvalue() == quick
    assert made == ["start", "done"]


def test_it_makes_no_record(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _count_records(monkeypatch)
    _set_up(stream)
    _tell(ITEM)
    assert re.sub(r"^INFO \S+Z pid=\d+ tid=k3 class=Noop jid=\w+", "", stream.getvalue().splitlines()[0]) == ": start"
    assert made == []


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def passes(self, record: logging.LogRecord) -> bool:
        self.emit(record)
        return True


def _handler_at(name: str | None) -> Callable[[_Heard], None]:
    return lambda heard: logging.getLogger(name).addHandler(heard)


def _filter_at(name: str) -> Callable[[_Heard], None]:
    return lambda heard: logging.getLogger(name).addFilter(heard.passes)


def _filter_at_the_handler(heard: _Heard) -> None:
    logging.getLogger().handlers[0].addFilter(heard.passes)


def _factory(heard: _Heard) -> None:
    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **kwargs)
        heard.emit(record)
        return record

    logging.setLogRecordFactory(make)


def _formatter(heard: _Heard) -> None:
    class Telling(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            heard.emit(record)
            return "own"

    logging.getLogger().handlers[0].setFormatter(Telling())


@pytest.mark.parametrize(
    "disturb",
    [
        _handler_at(None), _handler_at("teep"), _handler_at("teep.job"), _filter_at("teep.job"),
        _filter_at_the_handler, _factory, _formatter,
    ],
    ids=["root's", "teep's", "own", "own filter", "handler's filter", "factory", "formatter"],
)  # fmt: skip
def test_all_that_want_a_record_get_one(
    stream: io.StringIO, disturb: Callable[[_Heard], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_up(stream)
    _tell(ITEM)
    heard = _Heard()
    disturb(heard)
    _tell(ITEM)
    assert heard.messages == ["start", "done"]
    assert stream.getvalue().count("\n") == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_reporter_that_patches_loggers_gets_its_records(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    heard, call = _Heard(), logging.Logger.callHandlers

    def patched(self: logging.Logger, record: logging.LogRecord) -> None:
        heard.emit(record)
        call(self, record)

    if when == "after":
        _set_up(stream)
    monkeypatch.setattr(logging.Logger, "callHandlers", functools.wraps(call)(patched))
    if when == "before":
        _set_up(stream)
    _tell(ITEM)
    assert heard.messages == ["start", "done"]
    assert stream.getvalue().count("\n") == 2


@pytest.mark.parametrize(
    "silence",
    [
        lambda: setattr(logging.getLogger("teep.job"), "propagate", False),
        lambda: logging.getLogger().handlers[0].setLevel("WARNING"),
        lambda: setattr(logging.getLogger(), "handlers", []),
        lambda: logging.getLogger().handlers[0].addFilter(lambda _: False),
    ],
    ids=["propagate", "the handler's level", "no handler", "a filter"],
)
def test_whatever_keeps_records_away_keeps_these_away(stream: io.StringIO, silence: Callable[[], Any]) -> None:
    _set_up(stream)
    silence()
    _tell(ITEM)
    assert stream.getvalue() == ""


def test_names_of_loggers_below_are_nobodys_business(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _count_records(monkeypatch)
    _set_up(stream)
    logging.getLogger("app").addFilter(lambda _: False)
    _tell(ITEM)
    assert made == []
