"""JSON as Ruby writes it, checked against Ruby itself."""

import datetime as dt
import json as stdlib_json
import math
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teep.errors import InvalidArguments, MalformedPayload
from teep.wire import json
from tests.support import examples

# Ruby reads one JSON document a line, and writes what it understood.
RUBY = "require 'json'; STDOUT.sync = true; STDIN.each_line { |line| puts JSON.generate(JSON.parse(line)) }"


@pytest.fixture(scope="module")
def through_ruby() -> Any:
    with subprocess.Popen(["ruby", "-e", RUBY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ruby:

        def echo(document: bytes) -> bytes:
            assert ruby.stdin is not None
            assert ruby.stdout is not None
            ruby.stdin.write(document + b"\n")
            ruby.stdin.flush()
            return ruby.stdout.readline().removesuffix(b"\n")

        yield echo


# Ruby's JSON.generate leaves U+2028 and U+2029 as they are, and so does teep; no text is left out here but lone
# surrogates, which are no text.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**200), 2**200) | floats | text,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5),
    max_leaves=20,
)


@examples.times(2.5)
@given(value=values)
def test_ruby_writes_the_same_bytes(through_ruby: Callable[[bytes], bytes], value: Any) -> None:
    document = stdlib_json.dumps([value]).encode()
    assert json.dumps([value]) == through_ruby(document)


@examples.times(2.5)
@given(numbers=st.lists(floats, min_size=50, max_size=50))
def test_ruby_writes_the_same_floats(through_ruby: Callable[[bytes], bytes], numbers: list[float]) -> None:
    assert json.dumps(numbers) == through_ruby(stdlib_json.dumps(numbers).encode())


@pytest.mark.parametrize(
    "number",
    [
        0.0,
        -0.0,
        1e15,
        999_999_999_999_999.9,
        1e15 + 0.5,
        -(2.0**52) + 0.5,
        2.0**52,
        1e16,
        1e-4,
        9.999e-5,
        0.1,
        1e20,
        -1.5e300,
        5e-324,
        1e100,
        1e22,
        1e23,
    ],
)
def test_ruby_writes_the_floats_at_the_borders_alike(through_ruby: Callable[[bytes], bytes], number: float) -> None:
    assert json.dumps([number]) == through_ruby(stdlib_json.dumps([number]).encode())
    assert json.dumps(number).decode() == json.ruby_float(number)


@examples.times(2.5)
@given(value=values)
def test_what_is_written_is_read_again(value: Any) -> None:
    json.check(value, "value")
    again = json.loads(json.dumps(value))
    assert again == value
    assert repr(again) == repr(value)  # which tells 1 from 1.0 and 0.0 from -0.0


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, -(2**64) - 1, 10**60])
def test_integers_of_any_size_are_exact(number: int) -> None:
    assert json.dumps(number) == str(number).encode()
    assert json.loads(str(number).encode()) == number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_in_json_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON has no number"):
        json.dumps({"a": [number]})


def test_output_is_compact_and_utf8_unescaped() -> None:
    assert json.dumps({"ü": ["☃", "<&>", "\u2028", "\x7f"]}) == '{"ü":["☃","<&>","\u2028","\x7f"]}'.encode()
    assert json.dumps('"\\\n\x01/') == b'"\\"\\\\\\n\\u0001/"'


@pytest.mark.parametrize("raw", [b"", b"{", b"NaN", b"1e400", b'"\xff"', b'"\\ud800"', b"[" * 200_000, b"1 2"])
def test_reading_what_is_no_json_raises_one_error(raw: bytes) -> None:
    with pytest.raises(MalformedPayload, match=r"^not JSON: "):
        json.loads(raw)


class Text(str):
    """A subclass, which would come back as a plain str."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), r"args is nan, which JSON cannot hold; pass a finite number or None"),
        ([1, [float("inf")]], r"args\[1\]\[0\] is inf"),
        ({"a": {"b": [float("-inf")]}}, r"args\['a'\]\['b'\]\[0\] is -inf"),
        ((1, 2), "args is a tuple, which is not plain JSON; pass a list"),
        ([{1}], r"args\[0\] is a set, .* pass a list"),
        ([b"x"], r"args\[0\] is a bytes, .* decode it"),
        ({1: 2}, r"args has the key 1; JSON keys are strings, so pass '1'"),
        ({"a": {None: 2}}, r"args\['a'\] has the key None"),
        (["\ud800"], r"args\[0\] holds a lone surrogate at 0"),
        ({"x\udfff": 1}, r"a key of args holds a lone surrogate at 1"),
        ([Text("x")], r"args\[0\] is a Text"),
        ([object()], r"args\[0\] is a object, .* \(such as an id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_not_come_back_is_refused_with_its_path(value: Any, message: str) -> None:
    with pytest.raises(InvalidArguments, match=message):
        json.check(value, "args")


anything = st.recursive(
    values
    | st.floats()
    | st.integers(-(10**4300), 10**4300)
    | st.text()
    | st.sampled_from([b"x", (), {1}, Text("x")]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow("two and a half times the usual examples, each nested up to 110 times")
@examples.times(2.5)
@given(value=anything, levels=st.integers(0, 110))
def test_a_quick_look_lets_pass_what_a_closer_one_does(value: Any, levels: int) -> None:
    for _ in range(levels):
        value = [value]
    checks: list[Callable[[], None]] = [
        lambda: json._check(value, "args", 0),
        lambda: json.check(value, "args"),
        lambda: json.check_fields({"queue": "x", "args": value}),
    ]
    closely, *quickly = map(_refusal, checks)
    assert quickly == [closely, closely]
    assert json._are_plain((value,), 0) == (closely == "")


def _refusal(check: Callable[[], None]) -> str:
    try:
        check()
    except InvalidArguments as refused:
        return str(refused)
    return ""


def test_times_are_refused_with_a_way_out() -> None:
    with pytest.raises(InvalidArguments, match=r"args is a date, .* pass value.isoformat\(\) or epoch seconds"):
        json.check(dt.date(2026, 11, 24), "args")


def test_ruby_reads_as_deep_as_is_let_through(through_ruby: Callable[[bytes], bytes]) -> None:
    def nested(levels: int) -> Any:
        return [nested(levels - 1)] if levels else 1

    # The payload's own object and its args array are two of Ruby's hundred levels.
    deepest = next(levels for levels in range(200, 0, -1) if _passes(nested(levels)))
    assert through_ruby(json.dumps({"args": nested(deepest)})) == json.dumps({"args": nested(deepest)})
    with pytest.raises(InvalidArguments, match="levels deep; flatten the data"):
        json.check(nested(deepest + 1), "args")


def _passes(value: Any) -> bool:
    try:
        json.check(value, "args")
    except InvalidArguments:
        return False
    return True


@given(rows=st.lists(st.lists(st.none() | st.booleans() | st.integers() | text, max_size=4), max_size=5))
def test_simple_rows_are_written_as_each_alone(rows: list[list[Any]]) -> None:
    assert json.dumps_simple(rows) in (None, [json.dumps(row) for row in rows])


def test_only_simple_rows_are_written_at_once() -> None:
    simple: list[Any] = [None, True, -(2**63) + 1, 2**63 - 1, "a\nb", "\u2028é"]
    assert json.dumps_simple([simple, (), [1]]) == [json.dumps(simple), b"[]", b"[1]"]
    for odd in (1.5, 2**63, -(2**63), [1], {}, "\ud800", b"x", object()):
        assert json.dumps_simple([simple, [odd]]) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_that_no_python_converts_are_refused_both_ways(sign: int) -> None:
    longest = sign * (10**4299 - 1)
    json.check([longest], "args")
    assert json.loads(json.dumps([longest])) == [longest]
    for value, path in (
        ([longest + sign], r"args\[0\]"),
        ({"a": longest + sign}, r"args\['a'\]"),
        (longest + sign, "args"),
    ):
        with pytest.raises(
            InvalidArguments, match=rf"^{path} is an integer of more than 4299 digits, .* as a string"
        ):
            json.check(value, "args")
    with pytest.raises(MalformedPayload, match="not JSON"):
        json.loads(b'{"a":%b}' % (b"-" * (sign < 0) + b"9" * 5000))
