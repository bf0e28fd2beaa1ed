"""What is kept of a job: a record of one kind for each end, never too large, and no value that JSON would change."""

import datetime as dt
from typing import Any, cast

import msgspec
import pytest

from teep.config import Config, driver_for
from teep.drivers import Driver
from teep.errors import MalformedPayload
from teep.store import results
from teep.store.results import Record
from teep.store.running.outcome import End
from teep.wire import keys
from teep.wire.fields import backtrace
from teep.wire.payload import Item
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Step
from tests.support.refusing import allow
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

ITEM: Item = {"class": "a", "args": [], "jid": "7", "keep_result": 1.5}
FAILED = ITEM | {"error_class": "E", "error_message": "no", "error_backtrace": backtrace.pack(["a.py:1"])}


def _word(item: Item, how: End) -> bytes:
    ((_, key, (word,)),) = results.ended(item, how)
    assert key == "teep:result:7"
    return cast("bytes", word)


def _record(item: Item, how: End) -> Record:
    milliseconds, _, raw = _word(item, how).partition(b" ")
    assert milliseconds == b"1500"
    return results.parse(raw)


def test_each_end_has_its_record() -> None:
    assert _record(FAILED, "dead") == Record("dead", None, None, "E", "no", ("a.py:1",))
    assert _record(FAILED, "discarded").status == "discarded"
    assert _record(FAILED, "expired") == Record("expired")
    assert _record(FAILED, "deleted") == Record("deleted")
    assert _record(FAILED, "done") == Record("cancelled")
    assert _record(ITEM, "dead") == Record("dead")  # killed before it ever ran


@pytest.mark.parametrize("seconds", [False, None, 0, -1, "3600", True, [1], 1e30])
def test_a_payload_that_does_not_ask_for_it_or_wrongly_keeps_none(seconds: Any) -> None:
    assert results.ended(ITEM | {"keep_result": seconds}, "dead") == ()


@pytest.mark.parametrize("jid", [None, 7, ["7"]])
def test_one_without_a_jid_keeps_none(jid: Any) -> None:
    assert results.ended(ITEM | {"jid": jid}, "dead") == ()


def test_the_shortest_time_is_no_endless_one() -> None:
    assert _word(ITEM | {"keep_result": 0.0001}, "dead").startswith(b"1 ")


def test_an_error_that_other_producers_wrote_is_kept_within_bounds_or_left_out() -> None:
    odd = ITEM | {"error_class": 7, "error_message": "x" * 100_000, "error_backtrace": "y" * 100_000}
    assert len(_word(odd, "dead")) < 11_000
    found = _record(odd, "dead")
    assert found.error_class is None
    assert found.error_message == "x" * 10_000
    assert found.error_backtrace == ()
    assert _record(ITEM | {"error_backtrace": "no base64"}, "dead").error_backtrace == ()
    assert _record(ITEM | {"error_backtrace": ["a.py:1"]}, "dead").error_backtrace == ()


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, 10**40, "", "ž\n", [], {}, [[1, {"a": [None]}]], {"status": "dead"}]
)
def test_plain_json_comes_back_as_it_was(value: Any) -> None:
    raw, problem = results.succeeded(value)
    assert problem is None
    assert results.parse(raw) == Record("succeeded", value)


class _Liar:
    """Its own code fails at whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__index__":
            raise AttributeError(name)  # for pytest
        raise RuntimeError(name)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (object(), "the result is a object"),
        ((1, 2), "the result is a tuple, which is not plain JSON; pass a list"),
        ([{"at": dt.date(2026, 1, 1)}], r"the result\[0\]\['at'\] is a date,"),
        ({1: 2}, "the result has the key 1"),
        (float("nan"), "the result is nan"),
        ("\ud800", "lone surrogate"),
        ("x" * 65_535, r"the result is 65537 bytes of JSON, and at most 65536 are kept"),
        (_Liar(), "the result is a _Liar that cannot be written as JSON: RuntimeError"),
    ],
)
def test_what_is_no_plain_json_or_too_large_is_told_of(value: Any, problem: str) -> None:
    raw, told = results.succeeded(value)
    assert told is not None
    found = results.parse(raw)
    assert (found.status, found.value, found.problem) == ("succeeded", None, told)
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(told)


def test_the_largest_one() -> None:
    raw, problem = results.succeeded("x" * 65_534)
    assert problem is None
    assert len(results.parse(raw).value) == 65_534


@pytest.mark.parametrize("raw", [b"", b"[]", b"7", b'{"status":"other"}', b"{}"])
def test_bytes_of_others_are_no_record(raw: bytes) -> None:
    with pytest.raises(MalformedPayload):
        results.parse(raw)


def test_a_dead_job_tells_its_error_without_a_record() -> None:
    assert results.of_dead(msgspec.json.encode(FAILED)) == Record("dead", None, None, "E", "no", ("a.py:1",))
    assert results.of_dead(b"no job") == Record("dead")


def _part(name: str, words: str) -> Step:
    return Step(Parts(along=(Part(name, keys.result("7"), (words.encode(),)),)))


@pytest.mark.parametrize("command", ["EXISTS", "RPUSH", "LTRIM", "PEXPIRE", "RPOP"])
@pytest.mark.parametrize("name", ["results.keep", "results.note"])
@pytest.mark.parametrize("before", [False, True])
def test_whatever_redis_refuses_no_record_stays_for_ever(
    server: Server, limited: Config, command: str, name: str, before: bool
) -> None:
    driver = Driver(server.url)
    if before:
        driver.execute(step.carry_out([_part("results.keep", "60000 first")]))
    allow(server, f"-{command.lower()}")
    (told,) = driver_for(limited).execute(step.carry_out([_part(name, "60000 second")]))
    assert told.done
    used = {"EXISTS": name == "results.note", "LTRIM": name == "results.keep" and before, "RPOP": False}
    writes = name == "results.keep" or not before
    assert bool(told.beside) == used.get(command, writes), told
    assert server.command("PTTL", keys.result("7")) != -1
    last = server.command("LINDEX", keys.result("7"), -1)
    assert last in (b"first", b"second", None)
    if not told.beside:
        assert last == (b"second" if writes else b"first")
    driver.close()
