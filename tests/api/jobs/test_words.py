"""The words of the filter bar."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teep.api.jobs.selection.filters import Conditions
from teep.api.jobs.selection.words import LONGEST, NAMES, of_errors, parse, quoted, written


@pytest.mark.parametrize(("text", "conditions"), [
    ("", {}),
    ("class:Import*", {"klass": "Import*"}),
    ("class:Billing::Charge", {"klass": "Billing::Charge"}),
    ("error:Net::ReadTimeout tag:eu queue:low", {"error_class": "Net::ReadTimeout", "tag": "eu", "queue": "low"}),
    ('message:"after # s"', {"error_message": "after # s"}),
    ('message:"" class:C', {"error_message": "", "klass": "C"}),
    ("older:90 newer:1.5h", {"older_than": 90.0, "newer_than": 5400.0}),
    ("older:2d newer:1w", {"older_than": 172_800.0, "newer_than": 604_800.0}),
    ("older:5m newer:250ms", {"older_than": 300.0, "newer_than": 0.25}),
    ("jid:a,b", {"jids": ["a", "b"]}),
    ("bid:0198c3 class:C", {"bid": "0198c3", "klass": "C"}),
    ('args:[42,"e u"]', {"args": [42, "e u"]}),
    ("args:[42, ...]", {"args": [42, ...]}),
    ("args:42", {"args": [42, ...]}),
    ("args:eu", {"args": ["eu", ...]}),
    ('class:"a b"', {"klass": "a b"}),
    ("some words", {"match": "some words"}),
    ('"connection reset" class:C', {"match": "connection reset", "klass": "C"}),
    ("Billing::ChargeJob http://x/y", {"match": "Billing::ChargeJob http://x/y"}),
])  # fmt: skip
def test_words_become_conditions(text: str, conditions: dict[str, Any]) -> None:
    parsed = parse(text)
    assert (parsed.conditions, parsed.problems) == (conditions, [])
    assert parsed.is_any is (not text)


@pytest.mark.parametrize(("text", "problem"), [
    ("clas:x", "there is no filter clas: — did you mean class:?"),
    ("class:", "class: says nothing; write for example class:Import*"),
    (
        "older:soon",
        "older: cannot be 'soon': it is a number and a unit of ms, s, m, h, d or w; write for example older:1h",
    ),
    ("args:[1", None),
    ("args:[1,]", 'args: cannot be \'[1,]\': it is no JSON array; write for example args:[42,"eu"]'),
    ("tag:a tag:b", "tag: stands there twice; a job has to meet all words, so keep one of them"),
    ('""', "the filter is empty; write a word, or a name such as class:Import*"),
])  # fmt: skip
def test_what_cannot_be_read_is_told(text: str, problem: str | None) -> None:
    parsed = parse(text)
    assert len(parsed.problems) == 1
    assert problem is None or parsed.problems == [problem]
    assert not parsed.is_any


def test_a_filter_is_read_in_a_moment_or_not_at_all() -> None:
    began = time.process_time()
    for word in ("[ ", '[" ', "a:b ", "zz:a ", "class:", "\\ "):
        assert parse(word * (LONGEST // len(word))).problems or True
        assert parse(word * 30_000).problems == ["the filter is too long; it may have 4000 characters"]
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["older:" + "9" * 400, "newer:٣h"])
def test_a_span_is_a_number_that_one_would_write(text: str) -> None:
    assert len(parse(text).problems) == 1


@given(st.text())
def test_any_text_is_read_or_told(text: str) -> None:
    parsed = parse(text)
    assert parsed.is_any is not bool(text.strip())


@given(st.sampled_from(["class", "error", "tag", "queue"]), st.text(min_size=1).filter(str.strip))
def test_a_word_is_read_as_it_was_written(name: str, value: str) -> None:
    parsed = parse(written(name, value))
    assert list(parsed.conditions.values()) == [value]
    assert name in NAMES


@given(st.text(min_size=1).filter(str.strip))
def test_what_is_quoted_is_free_text_whatever_it_looks_like(value: str) -> None:
    assert parse(quoted(value)).conditions == {"match": value}


def test_the_conditions_of_errors_are_a_filter() -> None:
    conditions: Conditions = {"klass": "A[*]", "error_class": "E", "error_message": 'said "#" twice'}
    text = of_errors(conditions)
    assert text == 'class:A[*] error:E message:"said \\"#\\" twice"'
    assert parse(text).conditions == conditions
    assert of_errors({**conditions, "error_message": "x" * LONGEST}) is None
