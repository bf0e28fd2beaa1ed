"""Stored backtraces of every Sidekiq version."""

import base64
import zlib

import pytest

from teep.errors import MalformedPayload
from teep.wire import payload
from teep.wire.fields import backtrace
from tests.support import golden

RECORDED = [
    pytest.param(each.version, item["error_backtrace"], id=f"{each.version}-{item['class']}")
    for each in golden.all_payloads()
    if each.step.startswith("14")
    if "error_backtrace" in (item := payload.parse(each.raw))
]


def _packed(document: bytes) -> str:
    return base64.b64encode(zlib.compress(document)).decode()


def test_each_version_is_there() -> None:
    assert {each.values[0] for each in RECORDED} == set(golden.VERSIONS)


@pytest.mark.parametrize(("version", "stored"), RECORDED)
def test_a_recorded_backtrace_is_read_and_packed_to_the_same_bytes(version: str, stored: str) -> None:
    lines = backtrace.unpack(stored)
    assert all(":in " in line for line in lines)
    # 6.4.1 breaks its base64 into lines; from 7.2 on it is strict.
    assert backtrace.pack(lines) == (stored.replace("\n", "") if version == "6.4.1" else stored)


def test_lone_surrogates_do_not_break_it() -> None:
    assert backtrace.unpack(backtrace.pack(["a\ud800b", "ü"])) == ["a?b", "ü"]


@pytest.mark.parametrize("stored", ["", "?", "AAAA", "ü", _packed(b"no json"), _packed(b'{"a":1}')])
def test_what_is_none_is_refused(stored: str) -> None:
    with pytest.raises(MalformedPayload):
        backtrace.unpack(stored)
