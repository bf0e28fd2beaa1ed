"""What a push refuses, in which words; nothing is sent then."""

import math
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest

import teep
from teep import testing
from teep.client.payloads.bulk import Bulk
from teep.client.payloads.push import prepare
from teep.errors import InvalidArguments, InvalidJob

CONFIG = teep.Config(redis_url="redis://127.0.0.1:1")  # nothing here connects
GOOD = {"class": "Noop", "args": []}


def refused(kind: type[Exception], item: dict[str, Any], bulk: bool = False) -> str:
    """The sentence with which a payload is refused."""
    with pytest.raises(kind) as caught:
        list(Bulk(CONFIG, item).slices()) if bulk else prepare(CONFIG, item)
    assert isinstance(caught.value, teep.TeepError)
    return str(caught.value)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({}, 'a job needs "class": the name of the job class, a string, not NoneType'),
        ({"class": 7, "args": []}, 'a job needs "class": the name of the job class, a string, not int'),
        ({"class": "", "args": []}, 'a job needs "class": the name of the job class, a string, not str'),
        ({"class": "Noop"}, '"args" of Noop must be a list, not NoneType'),
        ({"class": "Noop", "args": "abc"}, '"args" of Noop must be a list, not str'),
        ({"class": "Noop", "args": (1,)}, '"args" of Noop must be a list, not tuple'),
        (GOOD | {"at": "soon"}, "\"at\" must be epoch seconds, a number, not 'soon'"),
        (GOOD | {"at": True}, '"at" must be epoch seconds, a number, not True'),
        *(
            (GOOD | {"at": at}, f"{shown} is no time before the year 10000; give epoch seconds, not milliseconds")
            for at, shown in (
                (1764300000000, "1764300000000"),
                (math.nan, "nan"),
                (math.inf, "inf"),
                (10**5000, "such a number"),
            )
        ),
        (GOOD | {"queue": ""}, "\"queue\" must be the name of a queue, not ''"),
        (GOOD | {"queue": None}, '"queue" must be the name of a queue, not None'),
        (GOOD | {"queue": 7}, '"queue" must be the name of a queue, not 7'),
        (GOOD | {"retry": -1}, '"retry" must be true, false or how many times (0 or more), not -1'),
        (GOOD | {"retry": "5"}, "\"retry\" must be true, false or how many times (0 or more), not '5'"),
        (GOOD | {"retry": 1.5}, '"retry" must be true, false or how many times (0 or more), not 1.5'),
        (GOOD | {"tags": "a"}, "\"tags\" must be a list of strings, not 'a'"),
        (GOOD | {"tags": [1]}, '"tags" must be a list of strings, not [1]'),
        (
            GOOD | {"retry_for": 0},
            '"retry_for" must be seconds above 0, up to 1000000000, from the first failure on, not 0',
        ),
        (
            GOOD | {"retry_for": 2e9},
            '"retry_for" must be seconds above 0, up to 1000000000, from the first failure on, not 2000000000.0',
        ),
        (
            GOOD | {"retry_for": "1h"},
            "\"retry_for\" must be seconds above 0, up to 1000000000, from the first failure on, not '1h'",
        ),
        (GOOD | {"encrypt": "yes"}, "\"encrypt\" must be true or false, not 'yes'"),
    ],
)
def test_a_payload_that_is_no_job(item: dict[str, Any], sentence: str) -> None:
    named = sentence if "class" in sentence or "Noop" in sentence else f"Noop: {sentence}"
    assert refused(InvalidJob, item) == named


class _Own:
    pass


_ADVICE = "pass strings, numbers, booleans, None, lists and dicts only (such as an id to load the object by)"
_AS_STRING = "which most readers refuse; pass it as a string"
_DATE = "pass value.isoformat() or epoch seconds"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (math.nan, "args[0] is nan, which JSON cannot hold; pass a finite number or None"),
        (-math.inf, "args[0] is -inf, which JSON cannot hold; pass a finite number or None"),
        ((1, 2), "args[0] is a tuple, which is not plain JSON; pass a list"),
        ({1, 2}, "args[0] is a set, which is not plain JSON; pass a list"),
        (b"x", "args[0] is a bytes, which is not plain JSON; decode it, or encode it as base64 text"),
        (date(2026, 1, 1), f"args[0] is a date, which is not plain JSON; {_DATE}"),
        (
            {"a": [0, {"b": datetime.now(UTC)}]},
            f"args[0]['a'][1]['b'] is a datetime, which is not plain JSON; {_DATE}",
        ),
        ({1: 2}, "args[0] has the key 1; JSON keys are strings, so pass '1'"),
        ({None: 2}, "args[0] has the key None; JSON keys are strings, so pass 'None'"),
        ("a\ud800", "args[0] holds a lone surrogate at 1, which UTF-8 cannot carry; clean the string first"),
        (
            {"\udfff": 1},
            "a key of args[0] holds a lone surrogate at 0, which UTF-8 cannot carry; clean the string first",
        ),
        (Decimal("1.5"), "args[0] is a Decimal, which is not plain JSON; pass str(value)"),
        (UUID(int=1), "args[0] is a UUID, which is not plain JSON; pass str(value)"),
        (Fraction(1, 2), "args[0] is a Fraction, which is not plain JSON; pass float(value)"),
        (HTTPStatus.OK, "args[0] is a HTTPStatus, which is not plain JSON; pass its value"),
        (OrderedDict(a=1), "args[0] is a OrderedDict, which is not plain JSON; pass dict(value)"),
        (range(3), "args[0] is a range, which is not plain JSON; pass a list"),
        (timedelta(1), "args[0] is a timedelta, which is not plain JSON; pass value.total_seconds()"),
        (10**4299, "args[0] is an integer of more than 4299 digits, which most readers refuse; pass it as a string"),
        (
            -(10**5000),
            "args[0] is an integer of more than 4299 digits, which most readers refuse; pass it as a string",
        ),
        (_Own(), f"args[0] is a _Own, which is not plain JSON; {_ADVICE}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arguments_that_are_not_plain_json(value: Any, sentence: str) -> None:
    assert refused(InvalidArguments, {"class": "Noop", "args": [value]}) == f"Noop: {sentence}"
    in_bulk = refused(InvalidArguments, {"class": "Noop", "args": [[], [value]]}, bulk=True)
    assert in_bulk == "Noop: " + sentence.replace("args[0]", "args[1][0]", 1)


def test_options_must_be_plain_json_too() -> None:
    assert refused(InvalidArguments, GOOD | {"own": {"x": {1}}}).startswith("Noop: own['x'] is a set")


def test_depth_is_limited_where_ruby_limits_it() -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    assert "more than 99 levels deep" in refused(InvalidArguments, {"class": "Noop", "args": deep})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, '"args" of Noop must be a list of argument lists, or any other iterable of them, not NoneType'),
        ({"args": 5}, '"args" of Noop must be a list of argument lists, or any other iterable of them, not int'),
        ({"args": [[1], 2]}, "args[1] must be the list of one job's arguments, not int"),
        ({"args": "ab"}, "args[0] must be the list of one job's arguments, not str"),
        ({"args": [[]], "batch_size": 0}, "batch_size must be from 1 to 1000 jobs, not 0"),
        ({"args": [[]], "batch_size": 1001}, "batch_size must be from 1 to 1000 jobs, not 1001"),
        ({"args": [[]], "batch_size": "9"}, "batch_size must be from 1 to 1000 jobs, not '9'"),
        ({"args": [[]], "spread_interval": 4}, "spread_interval must be from 5.0 to 1000000000 seconds, not 4"),
        ({"args": [[]], "spread_interval": "9"}, "spread_interval must be from 5.0 to 1000000000 seconds, not '9'"),
        ({"args": [[1], [2]], "jid": "x"}, "a bulk push of several jobs cannot give them all one jid; leave it out"),
        ({"args": [[1], [2]], "at": [2e9]}, '"at" has no time for job 1; give one for each'),
        ({"args": [[1]], "at": [2e9, 2e9]}, '"at" lists more times than there are jobs'),
        ({"args": [[1]], "at": "soon"}, "\"at\" must be epoch seconds, a number or one for each job, not 'soon'"),
        ({"args": [[1]], "at": ["soon"]}, "\"at\" must be epoch seconds, a number, not 'soon'"),
        ({"args": [[1]], "at": True}, '"at" must be epoch seconds, a number or one for each job, not True'),
        ({"args": [[1]], "queue": ""}, "\"queue\" must be the name of a queue, not ''"),
        ({"args": [[1]], "encrypt": 1}, '"encrypt" must be true or false, not 1'),
    ],
)
def test_a_bulk_that_cannot_be_pushed(fields: dict[str, Any], sentence: str) -> None:
    assert refused(InvalidJob, {"class": "Noop"} | fields, bulk=True) == (
        sentence if "Noop" in sentence else f"Noop: {sentence}"
    )


@pytest.mark.parametrize("given", ["nope", 5, None, ["class"], teep.Job])
def test_what_is_no_mapping_is_shown_how_a_job_looks(given: Any) -> None:
    client = teep.Client(CONFIG)
    for push in (client.push, client.push_bulk):
        with pytest.raises(InvalidJob, match=r'a job is a mapping such as {"class": "SomeJob", "args": \[1\]}, not '):
            push(given)
    for enqueue in (client.enqueue, lambda job: client.enqueue_to("q", job), lambda job: client.enqueue_in(1, job)):
        with pytest.raises(InvalidJob, match="no job"):
            enqueue(given)


def test_a_bulk_that_fails_half_way_says_what_is_pushed() -> None:
    def rows(bad: Any) -> Iterator[list[Any]]:
        for number in range(2000):
            yield [bad if number == 1500 else number]

    def broken() -> Iterator[list[Any]]:
        yield from ([number] for number in range(1200))
        raise LookupError("no more rows")

    client = teep.Client(CONFIG)
    with testing.fake() as jobs:
        with pytest.raises(
            InvalidArguments, match=r"Noop: args\[1500\]\[0\] is a .*; the first 1000 jobs of"
        ) as caught:
            client.push_bulk({"class": "Noop", "args": rows(object())})
        assert list(caught.value.pushed) == [job.jid for job in jobs]
        with pytest.raises(InvalidArguments) as first:
            client.push_bulk({"class": "Noop", "args": [[{1}]]})
        assert (first.value.pushed, "are pushed" in str(first.value)) == ((), False)
        with pytest.raises(LookupError) as own:
            client.push_bulk({"class": "Noop", "args": broken()})
    assert own.value.__notes__ == ["the first 1000 jobs of this bulk push are pushed"]


def test_a_given_jid_and_creation_are_kept_and_missing_ones_made() -> None:
    kept = prepare(CONFIG, GOOD | {"jid": "own", "created_at": 5.5})
    made = prepare(CONFIG, GOOD | {"jid": None, "created_at": None})
    assert kept is not None
    assert made is not None
    assert kept.jid == "own"
    assert b'"created_at":5.5,' in kept.raw
    assert len(made.jid) == 24
    assert b"null" not in made.raw
