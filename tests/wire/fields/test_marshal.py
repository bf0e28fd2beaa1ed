"""Ruby's Marshal format, checked against Ruby itself, and what is refused of it."""

import json
import math
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from teep.errors import MalformedPayload
from teep.wire.fields import marshal
from tests.wire.test_json import values

# Ruby reads a line: "load" and Marshal in hex, answered in JSON; or "dump" and an expression, answered in hex.
RUBY = """
require "json"
STDOUT.sync = true
STDIN.each_line do |line|
  verb, rest = line.chomp.split(" ", 2)
  puts verb == "load" ? JSON.generate([Marshal.load([rest].pack("H*"))]) : Marshal.dump(eval(rest)).unpack1("H*")
end
"""
Ask = Callable[[str], str]


@pytest.fixture(scope="module")
def ask() -> Any:
    # Ruby reads text as UTF-8 whatever the machine's locale.
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    command = ["ruby", "-W0", "-e", RUBY]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=environment
    ) as ruby:

        def asked(line: str) -> str:
            assert ruby.stdin is not None
            assert ruby.stdout is not None
            ruby.stdin.write(line + "\n")
            ruby.stdin.flush()
            return ruby.stdout.readline().strip()

        yield asked


def loaded(ask: Ask, expression: str) -> Any:
    return marshal.load(bytes.fromhex(ask(f"dump {expression}")))


@given(value=values)
def test_ruby_reads_what_is_written(ask: Ask, value: Any) -> None:
    assert json.loads(ask(f"load {marshal.dump(value).hex()}")) == [value]


@given(value=values)
def test_what_ruby_writes_is_read(ask: Ask, value: Any) -> None:
    document = json.dumps(json.dumps([value])).replace("#", "\\u0023")
    assert loaded(ask, f"JSON.parse({document})") == [value]


@pytest.mark.parametrize("power", [7, 8, 15, 16, 23, 24, 30, 31, 32, 62, 63, 64, 4096])
def test_integers_at_every_border_are_written_as_ruby_does(ask: Ask, power: int) -> None:
    for value in (sign * 2**power + more for sign in (1, -1) for more in (-2, -1, 0, 1, 2)):
        assert marshal.dump(value).hex() == ask(f"dump {value}")
        assert marshal.load(marshal.dump(value)) == value
    for value in range(-130, 131):
        assert marshal.dump(value).hex() == ask(f"dump {value}")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[:a, :a, :é, :é, 'b']", ["a", "a", "é", "é", "b"]),
        ("{a: 1, 'b' => {a: 2}}", {"a": 1, "b": {"a": 2}}),
        ("['binary'.b, 'ascii'.encode('US-ASCII'), 'é']", ["binary", "ascii", "é"]),
        ("s = 'same'; [s, s, {s => s}, :s, s]", ["same", "same", {"same": "same"}, "s", "same"]),
        ("a = [1, 'x']; [2**40, 1.5, 1.5, a, a, 2**40]", [2**40, 1.5, 1.5, [1, "x"], [1, "x"], 2**40]),
        ("[{'k' => 1}, {'k' => 2}]", [{"k": 1}, {"k": 2}]),
        ("[-0.0, 1e300, 5e-324, 1e16, 0.1]", [-0.0, 1e300, 5e-324, 1e16, 0.1]),
    ],
)
def test_what_ruby_shares_and_names(ask: Ask, expression: str, value: Any) -> None:
    assert loaded(ask, expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "Object.new", "Process::Tms.new", "1..2", "Time.at(0)", "String", "Kernel", "1r", "/x/",
        "Exception.new('x')", "Hash.new(1)", "{1 => 2}", "{nil => 2}", "{[1] => 2}",
        "Float::NAN", "-Float::INFINITY", "'é'.encode('ISO-8859-1')", "255.chr", "255.chr.force_encoding('UTF-8')",
        "'x'.tap { |s| s.instance_variable_set(:@a, 1) }", "'x'.encode('UTF-16LE')", "{}.compare_by_identity",
        "[].tap { |a| a << a }", "{}.tap { |h| h['h'] = h }", "(1..100).inject([]) { |a, _| [a] }",
        "(1..40).inject([1]) { |a, _| [a, a] }",
    ],
)  # fmt: skip
def test_anything_else_is_refused(ask: Ask, expression: str) -> None:
    with pytest.raises(MalformedPayload):
        loaded(ask, expression)


def test_as_deep_as_json_may_be(ask: Ask) -> None:
    deep: Any = []
    for _ in range(98):
        deep = [deep]
    assert marshal.load(marshal.dump(deep)) == deep
    assert loaded(ask, "(1..98).inject([]) { |a, _| [a] }") == deep


def test_no_cut_or_altered_byte_gives_another_error() -> None:
    whole = marshal.dump([1, -300, 2**70, 1.5, "é", "é", {"key": [None, True, False, {"key": ""}]}])
    for end in range(len(whole)):
        with pytest.raises(MalformedPayload):
            marshal.load(whole[:end])
    with pytest.raises(MalformedPayload, match="something follows its end"):
        marshal.load(whole + b"0")
    for place in range(len(whole)):
        for byte in range(256):
            altered = whole[:place] + bytes([byte]) + whole[place + 1 :]
            try:
                marshal.load(altered)
            except MalformedPayload as error:
                # What is read may be secret: no error keeps one that shows it.
                assert error.__context__ is None  # noqa: PT017 - most bytes raise, some do not


def test_constants_and_floats() -> None:
    for value in (None, True, False, 0, 0.0, 1.5, -1e-300):
        assert marshal.load(marshal.dump(value)) == value
    assert math.copysign(1, marshal.load(marshal.dump(-0.0))) == -1
    for written in (b"1_0", b" 1", b"inf", b"nan", b"0x1p3", b"", b"1e999", b"1."):
        with pytest.raises(MalformedPayload, match="a float in it"):
            marshal.load(b"\x04\x08f" + marshal.integer(len(written)) + written)
