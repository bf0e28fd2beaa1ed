"""What a worker process logs: one line an event, which says which job, and never its arguments."""

import contextvars
import logging
import math
import re
import threading
from typing import Any

import msgspec
import pytest

import teep
from teep.middleware import bind
from teep.worker.logs import log
from tests.worker.fleet import SOON, Fleet

_SECRET = "hunter2-the-secret"


def _lines_of(lines: list[dict[str, Any]], jid: str) -> list[dict[str, Any]]:
    return [line for line in lines if line.get("ctx", {}).get("jid") == jid]


def test_json_logs_parse_and_say_which_job(fleet: Fleet) -> None:
    process = fleet.spawn("--json-logs")
    jid = fleet.push("talk", _SECRET, tags=["a", "b"])
    fleet.wait_until_processed(1)
    process.stop()
    start, own, done = _lines_of(process.lines, jid)
    assert [start["msg"], own["msg"], done["msg"]] == ["start", "a line of the job's own", "done"]
    for line in (start, own, done):
        assert (line["ctx"]["class"], line["lvl"], line["pid"]) == ("talk", "INFO", process.pid)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
    assert start["tid"] == own["tid"] == done["tid"]
    assert start["ctx"]["tags"] == ["a", "b"]
    assert "elapsed" not in start["ctx"]
    assert 0 <= done["ctx"]["elapsed"] < 5


def test_text_logs_have_one_line_an_event_in_sidekiqs_form(fleet: Fleet) -> None:
    process = fleet.spawn()
    jid = fleet.push("talk", _SECRET)
    fleet.wait_until_processed(1)
    process.stop()
    lines = [line for line in process.log.splitlines() if jid in line]
    form = rf"INFO \S+Z pid={process.pid} tid=[0-9a-z]+ class=talk jid={jid}(?: elapsed=\d+\.\d+)?: "
    assert [re.sub(form, "", line) for line in lines] == ["start", "a line of the job's own", "done"]


@pytest.mark.slow("a job ignores the stop until it is given up")
def test_no_argument_is_ever_logged(fleet: Fleet) -> None:
    process = fleet.spawn("-v", "-t", "0.1", "-c", "1")
    fleet.push("talk", _SECRET)
    fleet.push("fail", _SECRET)
    fleet.push("talk", _SECRET, _SECRET)
    fleet.push("NoSuchJob", _SECRET)
    fleet.push_raw(b'{"class":"x","args":["' + _SECRET.encode() + b'"')
    fleet.push("stubborn", custom=_SECRET)
    fleet.wait_for_notes(1, "begun")
    process.stop()
    assert "still runs" in process.log
    assert "ValueError: no luck" in process.log
    assert "malformed payload" in process.log
    assert _SECRET not in process.log


def test_a_late_settlement_is_logged_without_arguments(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """What is in flight vanishes, as where another process rescued it."""

    ran = threading.Event()

    @teep.job(name="robbed")
    def robbed(_secret: str) -> None:
        ran.set()
        fleet.server.command("DEL", *fleet.server.command("KEYS", "{queue:*}:inflight:*"))

    jid = fleet.push(robbed, _SECRET)
    worker = fleet.start()
    assert ran.wait(SOON)
    assert worker.stop()
    (record,) = (record for record in caplog.records if "given to others" in record.message)
    assert record.__dict__["teep"] == {"class": "robbed", "jid": jid}
    assert _SECRET not in caplog.text
    assert fleet.counters() == (0, 0)


def test_a_huge_message_is_bounded_in_the_log_and_in_the_retry_set(valkey_fleet: Fleet) -> None:
    process = valkey_fleet.spawn()
    valkey_fleet.push("shout", 5_000_000)
    assert valkey_fleet.failed_payload()["error_message"] == "x" * 10_000
    process.stop()
    assert len(process.log) < 20_000
    assert "failed (try 1 of 26): ValueError: xxx" in process.log
    assert "(4990013 more characters)" in process.log
    assert "/src/teep/" not in process.log


@pytest.mark.parametrize("message", ["plain", "gruß", "lone \ud800", "two\nlines", "\x00"])
def test_any_message_makes_one_json_line(message: str) -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, message, None, None)
    assert log._add_context(record)
    line = log.JsonFormatter().format(record)
    assert "\n" not in line
    decoded: dict[str, Any] = msgspec.json.decode(line.encode())
    assert decoded["msg"] == message.replace("\ud800", "?")
    assert decoded["lvl"] == "WARN"


def test_an_error_comes_with_its_traceback_in_one_json_line() -> None:
    error = ValueError("lone \ud800")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, (type(error), error, None))
    log._add_context(record)
    decoded: dict[str, Any] = msgspec.json.decode(log.JsonFormatter().format(record).encode())
    assert decoded["exc"].endswith("ValueError: lone ?")


class _User:
    """What is no JSON, and has a string that is none either."""

    def __str__(self) -> str:
        return "Ann \ud800"


def _looped() -> list[Any]:
    looped: list[Any] = []
    looped.append(looped)
    return looped


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (_User(), "Ann ?"),
        ("lone \ud800", "lone ?"),
        (math.nan, "nan"),
        ([1, math.inf], "[1, inf]"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (_looped(), "[[...]]"),
    ],
)
def test_a_field_that_is_no_json_is_written_as_text_and_the_others_as_they_are(value: Any, text: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "shipped", None, None)
    bound = contextvars.copy_context()
    bound.run(bind, odd=value, tags=["a", "b"], order=7)
    bound.run(log._add_context, record)
    decoded: dict[str, Any] = msgspec.json.decode(log.JsonFormatter().format(record).encode())
    assert decoded["msg"] == "shipped"
    assert decoded["ctx"] == {"odd": text, "tags": ["a", "b"], "order": 7}
