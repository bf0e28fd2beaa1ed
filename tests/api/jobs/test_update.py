"""Changing a payload where it lies: compare and swap, the same place, and every other field as it was."""

import json
from typing import Any

import pytest

from teep.errors import InvalidArguments, InvalidJob, MalformedPayload
from tests.api.sides import Side, jid, job, raw

# What other producers write and Python's or Lua's numbers would not carry: all of it must come through.
FOREIGN = (
    '{"retry":true,"queue":"default","class":"Noop","args":[1],"jid":"x","created_at":1700000000.123456,'
    '"big":123456789012345678901234567890,"float":1.0e+20,"tiny":0.1,"null":null,"nested":{"é":[null,{"a":""}]},'
    '"cattr":null,"tags":["a"]}'
)


def only(side: Side, where: str) -> Any:
    """The one job of the default queue or of the retry set."""
    (found,) = side.listed(side.Queue() if where == "queue" else side.RetrySet())
    return found


def lay(side: Side, where: str, payload: str | dict[str, Any]) -> None:
    if where == "queue":
        side.push(payload)
    else:
        side.add("retry", {1_900_000_000.25: payload})


def lies(side: Side, where: str) -> list[bytes]:
    return (
        list(side.server.command("LRANGE", "queue:default", 0, -1))
        if where == "queue"
        else list(side.scored("retry"))
    )


both = pytest.mark.parametrize("where", ["queue", "set"])


@both
def test_a_field_is_changed_and_the_others_survive(side: Side, where: str) -> None:
    lay(side, where, FOREIGN)
    record = only(side, where)
    assert record.args == [1]
    assert side.run(record.update(args=["new", 2**70, 1e20], tags=None, own={"a": 1.5})) is True
    (found,) = lies(side, where)
    expected = json.loads(FOREIGN) | {"args": ["new", 2**70, 1e20], "own": {"a": 1.5}}
    del expected["tags"]
    assert list(json.loads(found).items()) == list(expected.items())
    assert record.raw == found
    assert (record.args, record.tags, record["own"], record.value) == (
        expected["args"], [], {"a": 1.5}, found.decode()
    )  # fmt: skip
    assert side.run(record.update(args=[3])) is True
    assert only(side, where).args == [3]


@both
def test_null_takes_out_only_the_field_it_is_given_for(side: Side, where: str) -> None:
    lay(side, where, '{"class":"Noop","args":[],"jid":"x","backtrace":null,"own":null,"tags":["a"]}')
    assert side.run(only(side, where).update(tags=None, absent=None))
    assert lies(side, where) == [b'{"class":"Noop","args":[],"jid":"x","backtrace":null,"own":null}']


@both
def test_a_job_that_changed_meanwhile_is_left_as_it_is(side: Side, where: str) -> None:
    lay(side, where, job(1))
    mine, others = only(side, where), only(side, where)
    assert side.run(others.update(args=["theirs"]))
    assert side.run(mine.update(args=["mine"])) is False
    assert lies(side, where) == [raw(job(1, args=["theirs"]))]
    assert mine.args == [1]
    assert side.run(others.delete())
    assert side.run(others.update(args=["late"])) is False
    assert side.server.command("EXISTS", "queue:default", "retry") == 0


@both
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"args": "text"}, InvalidJob),
        ({"args": None}, InvalidJob),
        ({"class": None}, InvalidJob),
        ({"class": 7}, InvalidJob),
        ({"jid": None}, InvalidJob),
        ({"jid": "another"}, InvalidJob),
        ({"queue": ""}, InvalidJob),
        ({"retry": -1}, InvalidJob),
        ({"tags": "eu"}, InvalidJob),
        ({"args": [{1, 2}]}, InvalidArguments),
        ({"args": [float("nan")]}, InvalidArguments),
        ({"own": {1: 2}}, InvalidArguments),
        ({"own": "\ud800"}, InvalidArguments),
    ],
)
def test_what_would_be_no_job_is_refused_and_changes_nothing(
    side: Side, where: str, fields: dict[str, Any], error: type[Exception]
) -> None:
    lay(side, where, FOREIGN)
    record = only(side, where)
    with pytest.raises(error):
        side.run(record.update(**fields))
    assert lies(side, where) == [FOREIGN.encode()]
    assert record.args == [1]


@both
def test_bytes_that_are_no_job_cannot_be_changed(side: Side, where: str) -> None:
    lay(side, where, "no job")
    with pytest.raises(MalformedPayload):
        side.run(only(side, where).update(args=[1]))
    assert lies(side, where) == [b"no job"]


def test_the_place_in_the_queue_is_kept(side: Side) -> None:
    side.push(*(job(number) for number in range(9)))
    record = side.run(side.Queue().find_job(jid(4)))
    side.server.command("RPOP", "queue:default", 2)
    side.push(job(9))
    assert side.run(record.update(args=["changed"]))
    assert [found["args"] for found in side.lying()] == [[9], [8], [7], [6], [5], ["changed"], [3], [2]]


def test_of_equal_payloads_one_is_changed(side: Side) -> None:
    side.push(job(1), job(1))
    assert side.run(side.run(side.Queue().first()).update(args=[2]))
    assert sorted(found["args"] for found in side.lying()) == [[1], [2]]


def test_the_time_of_an_entry_is_kept_also_one_given_to_it_meanwhile(side: Side) -> None:
    side.add("retry", {1_900_000_000.25: job(1)})
    entry, others = only(side, "set"), only(side, "set")
    assert side.run(entry.update(args=[2]))
    assert side.scored("retry") == {raw(job(1, args=[2])): 1_900_000_000.25}
    assert side.run(only(side, "set").reschedule(2e9))
    assert side.run(entry.update(args=[3]))
    assert side.scored("retry") == {raw(job(1, args=[3])): 2e9}
    assert side.run(others.update(args=[4])) is False


def test_a_record_of_another_queue_is_changed_there(side: Side) -> None:
    side.push(job(1), queue="low")
    side.push(job(1))
    assert side.run(side.run(side.Queue("low").first()).update(args=["low"]))
    assert (side.lying("low")[0]["args"], side.lying()[0]["args"]) == (["low"], [1])
