"""What a push refuses, in which words; nothing is sent then."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

import teep
from teep.client.preparation import Bulk, prepare
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
        ({}, 'a job needs "class": the name of the job class, a string'),
        ({"class": 7, "args": []}, 'a job needs "class": the name of the job class, a string'),
        ({"class": "", "args": []}, 'a job needs "class": the name of the job class, a string'),
        ({"class": "Noop"}, '"args" of Noop must be a list, not NoneType'),
        ({"class": "Noop", "args": "abc"}, '"args" of Noop must be a list, not str'),
        ({"class": "Noop", "args": (1,)}, '"args" of Noop must be a list, not tuple'),
        (GOOD | {"at": "soon"}, "\"at\" must be epoch seconds, a number, not 'soon'"),
        (GOOD | {"at": True}, '"at" must be epoch seconds, a number, not True'),
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
    assert refused(InvalidJob, item) == sentence


class _Own:
    pass


_ADVICE = "pass strings, numbers, booleans, None, lists and dicts only (such as an id to load the object by)"
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
        ("a\ud800", "args[0] holds a lone surrogate at 1, which UTF-8 cannot carry; clean the text first"),
        (
            {"\udfff": 1},
            "a key of args[0] holds a lone surrogate at 0, which UTF-8 cannot carry; clean the text first",
        ),
        (Decimal("1.5"), f"args[0] is a Decimal, which is not plain JSON; {_ADVICE}"),
        (_Own(), f"args[0] is a _Own, which is not plain JSON; {_ADVICE}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arguments_that_are_not_plain_json(value: Any, sentence: str) -> None:
    assert refused(InvalidArguments, {"class": "Noop", "args": [value]}) == sentence
    assert refused(InvalidArguments, {"class": "Noop", "args": [[], [value]]}, bulk=True) == sentence.replace(
        "args[0]", "args[1][0]", 1
    )


def test_options_must_be_plain_json_too() -> None:
    assert refused(InvalidArguments, GOOD | {"own": {"x": {1}}}).startswith("own['x'] is a set")


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
        ({"args": [[]], "spread_interval": 4}, "spread_interval must be at least 5.0 seconds, not 4"),
        ({"args": [[]], "spread_interval": "9"}, "spread_interval must be at least 5.0 seconds, not '9'"),
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
    assert refused(InvalidJob, {"class": "Noop"} | fields, bulk=True) == sentence


def test_a_given_jid_and_creation_are_kept_and_missing_ones_made() -> None:
    kept = prepare(CONFIG, GOOD | {"jid": "own", "created_at": 5.5})
    made = prepare(CONFIG, GOOD | {"jid": None, "created_at": None})
    assert kept is not None
    assert made is not None
    assert kept.jid == "own"
    assert b'"created_at":5.5,' in kept.raw
    assert len(made.jid) == 24
    assert b"null" not in made.raw
