"""Jobs as records: every field, whichever Sidekiq wrote it, and bytes that are no job."""

import base64
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import teep
from tests.api.sides import Side, job, raw
from tests.support import golden

CONFIG = teep.Config(redis_url="redis://127.0.0.1:1")  # nothing here connects

_RECORDED = [payload for payload in golden.all_payloads() if payload.raw.startswith(b"{")]


def record(payload: Any) -> teep.JobRecord:
    return teep.JobRecord(raw(payload) if isinstance(payload, dict) else payload, config=CONFIG)


def _seconds(value: float | None) -> datetime | None:
    """What a payload's timestamp means: a float is seconds, an integer milliseconds."""
    if value is None:
        return None
    return datetime.fromtimestamp(value if isinstance(value, float) else value / 1000, UTC)


@pytest.mark.parametrize("payload", _RECORDED, ids=lambda payload: f"{payload.version}-{payload.step}-{payload.key}")
def test_every_recorded_payload_shows_its_own_json(payload: golden.Payload) -> None:
    item = json.loads(payload.raw)
    shown = teep.JobRecord(payload.raw, config=CONFIG)
    assert (shown.value.encode(), shown.item) == (payload.raw, item)
    assert (shown.klass, shown.args, shown.jid, shown.queue) == (
        item["class"], item["args"], item["jid"], item["queue"],
    )  # fmt: skip
    assert (shown.display_class, shown.display_args) == (item["class"], item["args"])
    for field in ("created_at", "enqueued_at", "failed_at", "retried_at"):
        assert getattr(shown, field) == _seconds(item.get(field)), field
    for field in ("error_class", "error_message", "retry_count", "bid"):
        assert getattr(shown, field) == item.get(field), field
    assert shown.tags == item.get("tags", [])
    assert shown["retry"] == item.get("retry")
    assert shown["no such field"] is None


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_recorded_backtraces_are_read(version: str) -> None:
    step = golden.load(version, "14-fail-default-backoff-and-backtrace")
    shown = [teep.JobRecord(payload.raw, config=CONFIG) for payload in step.payloads]
    backtraces = {record.klass: record.error_backtrace for record in shown}
    whole, three, none = (backtraces[name] for name in ("FailTraceJob", "FailTrace3Job", "FailDefaultJob"))
    assert whole is not None
    assert len(whole) > 3
    assert ":in `" in whole[0]
    assert three is not None
    assert len(three) == 3
    assert none is None


def test_a_backtrace_of_any_age() -> None:
    lines = ["a.rb:1:in `x'", "é.rb:2"]
    packed = zlib.compress(json.dumps(lines).encode())
    assert record(job(error_backtrace=base64.b64encode(packed).decode())).error_backtrace == lines
    assert record(job(error_backtrace=base64.encodebytes(packed).decode())).error_backtrace == lines
    assert record(job(error_backtrace=lines)).error_backtrace == lines
    for broken in ("", "no base64!", base64.b64encode(b"not deflated").decode(), 7):
        assert record(job(error_backtrace=broken)).error_backtrace is None


def test_times_beyond_the_calendar_are_none() -> None:
    for absurd in (10**400, 10**30, 6.7768e16, 1e300, -(10**18), "yesterday", None, True):
        assert record(job(created_at=absurd)).created_at is None


@pytest.mark.parametrize(
    "text", [b"this is not JSON {", b"\xff\xfe", b"", b"[1,2]", b'"text"', b"null", b"[" * 100_000]
)
def test_bytes_that_are_no_job_are_shown_as_they_are(text: bytes) -> None:
    shown = record(text)
    assert shown.item == {}
    assert shown.value.encode(errors="surrogateescape") == text
    assert shown.args == shown.display_args == [shown.value]
    assert (shown.klass, shown.display_class, shown.jid, shown.tags, shown.latency) == ("", "", "", [], 0.0)
    assert (shown.created_at, shown.error_class, shown.error_backtrace, shown.retry_count) == (None, None, None, None)
    assert repr(shown).startswith("<JobRecord")


def test_an_encrypted_argument_is_masked() -> None:
    shown = record(job(args=["clear", {"also": "clear"}, "BAhTOhFTaWRla2lxOjpFbmM="], encrypt=True))
    assert shown.display_args == ["clear", {"also": "clear"}, "[encrypted data]"]
    assert shown.args[-1] == "BAhTOhFTaWRla2lxOjpFbmM="
    assert record(job(args=[], encrypt=True)).display_args == []


_WRAPPER_CLASSES = ["ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", "Sidekiq::ActiveJob::Wrapper"]


def _active_job(wrapper: str, klass: str, *arguments: Any) -> teep.JobRecord:
    inner = {"job_class": klass, "job_id": "1", "queue_name": "default", "arguments": list(arguments)}
    return record(job(0, **{"class": wrapper, "wrapped": klass, "args": [inner]}))


@pytest.mark.parametrize("wrapper", _WRAPPER_CLASSES)
class TestActiveJob:
    def test_it_is_shown_as_what_it_wraps(self, wrapper: str) -> None:
        shown = _active_job(wrapper, "InvoiceJob", 7, {"_aj_globalid": "gid://app/User/1"})
        assert (shown.klass, shown.display_class) == (wrapper, "InvoiceJob")
        assert shown.display_args == [7, "gid://app/User/1"]

    def test_its_bookkeeping_is_left_out(self, wrapper: str) -> None:
        shown = _active_job(wrapper, "InvoiceJob", {"a": [{"_aj_globalid": "gid://x"}], "_aj_symbol_keys": ["a"]})
        assert shown.display_args == [{"a": ["gid://x"]}]

    def test_its_class_stands_in_the_arguments_where_wrapped_is_missing(self, wrapper: str) -> None:
        shown = record(job(0, **{"class": wrapper, "args": [{"job_class": "Inner", "arguments": []}]}))
        assert (shown.display_class, shown.display_args) == ("Inner", [])

    def test_an_old_mailer(self, wrapper: str) -> None:
        shown = _active_job(wrapper, "ActionMailer::DeliveryJob", "UserMailer", "welcome", "deliver_now", 7, "x")
        assert (shown.display_class, shown.display_args) == ("UserMailer#welcome", [7, "x"])

    def test_a_mailer(self, wrapper: str) -> None:
        details = {"params": {"user": 1}, "args": [7], "_aj_symbol_keys": ["args"]}
        klass = "ActionMailer::MailDeliveryJob"
        shown = _active_job(wrapper, klass, "UserMailer", "welcome", "deliver_now", details)
        assert (shown.display_class, shown.display_args) == ("UserMailer#welcome", [{"user": 1}, [7]])

    def test_without_arguments_nothing_breaks(self, wrapper: str) -> None:
        shown = record(job(0, **{"class": wrapper, "args": []}))
        assert (shown.display_class, shown.display_args) == ("", [])


def test_a_display_class_of_its_own_goes_first() -> None:
    assert record(job(display_class="Nicer")).display_class == "Nicer"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["class", "args", "jid", "queue", "tags", "wrapped", "display_class", "encrypt", "created_at", "enqueued_at",
     "failed_at", "error_class", "error_backtrace", "retry_count", "bid"]
)  # fmt: skip
_SHOWN = [
    name for name in dir(teep.JobRecord)
    if isinstance(getattr(teep.JobRecord, name), property) or name in ("item", "error_backtrace")
]  # fmt: skip


@given(
    st.dictionaries(_FIELDS, _JSON), st.sampled_from([None, *_WRAPPER_CLASSES]),
    st.sampled_from([None, "ActionMailer::DeliveryJob", "ActionMailer::MailDeliveryJob"]),
)  # fmt: skip
def test_no_payload_is_too_odd_to_be_shown(fields: dict[str, Any], klass: str | None, wrapped: str | None) -> None:
    odd = fields | ({"class": klass} if klass else {}) | ({"wrapped": wrapped} if wrapped else {})
    shown = record(odd)
    for name in _SHOWN:
        getattr(shown, name)
    assert isinstance(shown.tags, list)
    repr(shown)


def test_no_json_in_a_queue_can_be_deleted(side: Side) -> None:
    side.push(job(1), "this is not JSON {", job(2))
    records = side.listed(side.Queue())
    assert [record.value for record in records][1] == "this is not JSON {"
    assert side.run(records[1].delete())
    assert [payload["args"] for payload in side.lying()] == [[2], [1]]
