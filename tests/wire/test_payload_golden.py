"""Payloads that real Sidekiq wrote: they parse, keep every field, come back byte for byte, and change as there."""

import json as stdlib_json
from typing import Any

import pytest

from teep.errors import MalformedPayload
from teep.wire import payload, retries
from teep.wire.payload import Item, TimeUnit
from tests.support import golden
from tests.support.golden import Payload

NOT_JSON = b"this is not JSON {"

# The one payload that does not come back as it was: the argument 1e20, which Ruby's json 2.21 (shipped with the
# recording of 8.1.7) writes as `1e+20`. teep writes floats beyond 1e15 as all json versions before it do, `1.0e+20`.
# Read by either, both are the same number; no other float of the recordings is that large.
OTHER_FLOATS = {("8.1.7", "01-perform_async")}


def _jobs() -> list[Payload]:
    return [each for each in golden.all_payloads() if each.raw != NOT_JSON]


def _name(each: Payload) -> str:
    return f"{each.version}-{each.step}-{each.key}"


@pytest.mark.parametrize("recorded", _jobs(), ids=_name)
def test_every_payload_keeps_every_field_in_its_place(recorded: Payload) -> None:
    item = payload.parse(recorded.raw)
    # The standard library is the witness: it keeps order and integers of any size, too.
    assert list(item.items()) == list(stdlib_json.loads(recorded.raw).items())


@pytest.mark.parametrize("recorded", _jobs(), ids=_name)
def test_every_payload_comes_back_byte_for_byte(recorded: Payload) -> None:
    again = payload.serialise(payload.parse(recorded.raw))
    if (recorded.version, recorded.step) in OTHER_FLOATS and b"1e+20" in recorded.raw:
        again = again.replace(b"1.0e+20", b"1e+20")
    assert again == recorded.raw


def test_what_is_no_json_is_refused() -> None:
    recorded = [each for each in golden.all_payloads() if each.raw == NOT_JSON]
    assert {each.version for each in recorded} == set(golden.VERSIONS)
    for each in recorded:
        with pytest.raises(MalformedPayload, match="not JSON"):
            payload.parse(each.raw)


def _unit(version: str) -> TimeUnit:
    return "milliseconds" if version.startswith("8") else "seconds"


def _now(stamp: float, unit: TimeUnit) -> float:
    """Return a clock's reading (epoch seconds) that is written as this stamp."""
    return (stamp + 0.5) / 1000 if unit == "milliseconds" else stamp


def _only(version: str, step: str, key: str) -> bytes:
    [raw] = golden.load(version, step).zsets[key]
    return raw


FAILURE_FIELDS = ("error_message", "error_class", "failed_at", "retry_count", "error_backtrace")
FIRST_FAILURES = [
    each
    for each in _jobs()
    if each.step[:2] in ("10", "14", "15", "17", "20", "26") and b'"retry_count":0' in each.raw
]


@pytest.mark.parametrize("recorded", FIRST_FAILURES, ids=_name)
def test_the_first_failure(recorded: Payload) -> None:
    unit, after = _unit(recorded.version), payload.parse(recorded.raw)
    before = {name: value for name, value in after.items() if name not in FAILURE_FIELDS}
    if "retry_queue" in before:
        before["queue"] = "default"  # where it failed; Sidekiq writes the retry_queue over it
    failed = _fail(before, after, _now(after["failed_at"], unit), unit)
    assert payload.serialise(failed) == recorded.raw


def test_first_failures_were_recorded_with_all_that_matters() -> None:
    raws = [each.raw for each in FIRST_FAILURES]
    for feature in (
        b'"retry_queue":',
        b'"error_backtrace":',
        b'"retry":7',
        b'"retry":0',
        b'"retry_for":',
        b'"tags":',
    ):
        assert any(feature in raw for raw in raws), feature


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_the_next_failures(version: str) -> None:
    unit = _unit(version)
    before = payload.parse(_only(version, "10-fail-1st", "retry"))
    for step in ("11-fail-2nd", "12-fail-3rd"):
        raw = _only(version, step, "retry")
        after = payload.parse(raw)
        # The poller put it back into its queue, then it failed again.
        ran = payload.queued(before, _now(after["enqueued_at"], unit), unit)
        before = _fail(ran, after, _now(after["retried_at"], unit), unit)
        assert payload.serialise(before) == raw


def _fail(before: Item, after: Item, now: float, unit: TimeUnit) -> Item:
    trace = after.get("error_backtrace")
    return payload.failed(before, after["queue"], after["error_class"], after["error_message"], trace, now, unit)


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_sending_a_retry_back_by_hand(version: str) -> None:
    unit = _unit(version)
    recording = golden.load(version, "42-api-retry-kill-one")
    [raw] = recording.lists["queue:default"]
    after = payload.parse(raw)
    enqueued = after["enqueued_at"]
    # What lay there before, as the recording of its siblings shows it.
    born = 1_790_000_000_000 if unit == "milliseconds" else 1_790_000_000.0
    before = {"class": "NoopJob", "args": [0], "queue": "default", "retry": True, "jid": "0" * 24}
    before |= {"created_at": born, "enqueued_at": born}
    before |= {name: after[name] for name in ("error_message", "error_class", "failed_at")} | {"retry_count": 0}
    pushed = payload.normalise(payload.taken_back(before), {}, "unused", 0.0, unit)
    assert payload.serialise(payload.queued(pushed, _now(enqueued, unit), unit)) == raw


@pytest.mark.parametrize("version", golden.VERSIONS)
@pytest.mark.parametrize("step", ["42-api-retry-kill-one", "44-api-kill_all"])
def test_killing_changes_no_byte(version: str, step: str) -> None:
    for raw in golden.load(version, step).zsets["dead"]:
        assert payload.serialise(payload.parse(raw)) == raw


@pytest.mark.parametrize("version", golden.VERSIONS)
@pytest.mark.parametrize("step", ["02-perform_in", "03-perform_at", "05-push_bulk-at"])
def test_scheduling(version: str, step: str) -> None:
    unit = _unit(version)
    for raw, at in golden.load(version, step).zsets["schedule"].items():
        after = payload.parse(raw)
        given: dict[str, Any] = {"class": after["class"], "args": after["args"], "at": at}
        item = payload.normalise(given, {}, after["jid"], _now(after["created_at"], unit), unit)
        # Ruby's class pushes merge the class after the args, the client's own the other way round.
        assert payload.scheduled(item) == after
        assert list(after)[:2] == list(payload.scheduled(item))[:2] == ["retry", "queue"]


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_scores_are_seconds_and_the_back_off_explains_them(version: str) -> None:
    for step in ("14-fail-default-backoff-and-backtrace",):
        for raw, at in golden.load(version, step).zsets["retry"].items():
            item = payload.parse(raw)
            if not item["class"].startswith("FailDefault"):
                continue
            delay = at - (payload.read_stamp(item["failed_at"]) or 0.0)
            shortest = retries.delay(item["retry_count"], None, 0.0)
            longest = retries.delay(item["retry_count"], None, 0.999_999)
            assert shortest <= round(delay) <= longest


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_who_is_exhausted(version: str) -> None:
    died = payload.parse(_only(version, "15-retry-0", "dead"))
    lives_on = payload.parse(_only(version, "17-exhaust-1st", "retry"))
    assert retries.is_exhausted(died, 25, 0.0)
    assert not retries.is_exhausted(lives_on, 25, 0.0)
    assert retries.is_exhausted(lives_on | {"retry_count": 1}, 25, 0.0)


@pytest.mark.parametrize("version", ["7.3.10", "8.1.7"])
def test_retry_for_counts_from_the_first_failure(version: str) -> None:
    item = payload.parse(_only(version, "26c-kill-discard-retry_for", "retry"))
    first = payload.read_stamp(item["failed_at"])
    assert first is not None
    assert not retries.is_exhausted(item, 25, first + 3599)
    assert retries.is_exhausted(item, 25, first + 3601)
    assert not retries.is_exhausted(item | {"retry_count": 1000}, 25, first + 3599)
