"""The payload's rules that no recording shows: what is refused, and the corners of its states."""

from typing import Any

import pytest

from teep.errors import InvalidArguments, InvalidJob, MalformedPayload
from teep.wire import payload, retries

NOW = 1_800_000_000.25


def _normalise(**fields: Any) -> payload.Item:
    return payload.normalise({"class": "A", "args": [], **fields}, {}, "f" * 24, NOW, "seconds")


def test_a_jid_starts_with_its_time_and_so_sorts_by_it() -> None:
    jid = payload.new_jid(1_800_000_000.123, bytes(range(6)))
    assert jid == f"{1_800_000_000_123:012x}000102030405"
    assert len(jid) == 24
    assert payload.new_jid(1_800_000_000.124, bytes(6)) > jid


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"x"',
        b"{}",
        b'{"class":"A"}',
        b'{"class":1,"args":[]}',
        b'{"class":"A","args":{}}',
        b'{"class":"A","args":[1e400]}',
        b'{"class":"A","args":["\xff"]}',
        b'{"class":"A","args":["\\ud800"]}',
        b'{"class":"A","args":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"class":"A","args":[]} trailing',
        b'{"class":"A","args":[NaN]}',
    ],
    ids=lambda raw: raw[:30].decode(errors="replace"),
)
def test_what_is_no_job_is_malformed_and_nothing_worse(raw: bytes) -> None:
    with pytest.raises(MalformedPayload):
        payload.parse(raw)


def test_defaults_come_first_and_given_fields_win() -> None:
    item = payload.normalise(
        {"class": "A", "args": [1], "queue": "low", "custom": {"a": None}},
        {"retry": 3, "tags": ["x"]},
        "f" * 24,
        NOW,
        "milliseconds",
    )
    assert list(item) == ["retry", "queue", "tags", "class", "args", "custom", "jid", "created_at"]
    assert (item["retry"], item["queue"], item["created_at"]) == (3, "low", 1_800_000_000_250)


def test_a_given_jid_and_time_are_kept() -> None:
    item = _normalise(jid="mine", created_at=1.5)
    assert (item["jid"], item["created_at"]) == ("mine", 1.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"class": ""}, "the name of the job class"),
        ({"class": None}, "the name of the job class"),
        ({"args": None}, '"args" of A must be a list, not NoneType'),
        ({"args": (1,)}, "must be a list, not tuple"),
        ({"at": "soon"}, '"at" must be epoch seconds'),
        ({"at": True}, '"at" must be epoch seconds'),
        ({"queue": ""}, '"queue" must be the name'),
        ({"queue": 1}, '"queue" must be the name'),
        ({"retry": -1}, '"retry" must be'),
        ({"retry": "yes"}, '"retry" must be'),
        ({"tags": "x"}, '"tags" must be a list'),
        ({"tags": [1]}, '"tags" must be a list'),
        ({"retry_for": 0}, '"retry_for" must be'),
        ({"retry_for": 1_800_000_000}, '"retry_for" must be'),
    ],
)
def test_what_sidekiq_would_refuse_or_misread_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidJob, match=message):
        _normalise(**fields)


def test_every_field_must_be_plain_json_and_the_message_names_the_place() -> None:
    with pytest.raises(InvalidArguments, match=r"args\[0\]\['when'\] is a object"):
        _normalise(args=[{"when": object()}])
    with pytest.raises(InvalidArguments, match="custom is nan"):
        _normalise(custom=float("nan"))


def test_timestamps_say_their_unit_by_their_type() -> None:
    assert payload.stamp(NOW, "seconds") == NOW
    assert type(payload.stamp(1_800_000_000, "seconds")) is float
    assert payload.stamp(NOW, "milliseconds") == 1_800_000_000_250
    assert payload.read_stamp(NOW) == payload.read_stamp(1_800_000_000_250) == NOW
    others: tuple[object, ...] = (None, "1800000000", True, [], 10**400)
    for other in others:
        assert payload.read_stamp(other) is None


def test_latency_counts_from_the_enqueuing_else_the_creation() -> None:
    assert payload.latency({"created_at": NOW - 9, "enqueued_at": NOW - 2}, NOW) == 2
    assert payload.latency({"created_at": NOW - 9}, NOW) == 9
    assert payload.latency({"enqueued_at": NOW + 5}, NOW) == 0
    assert payload.latency({}, NOW) == 0


def test_transitions_leave_what_they_are_given_alone() -> None:
    item = {"class": "A", "args": [], "at": 5.0, "queue": "q", "retry_count": 2, "retry_queue": "low", "x": None}
    kept = dict(item)
    payload.scheduled(item)
    payload.queued(item, NOW, "seconds")
    payload.failed(item, "q", "E", "m", "b", NOW, "seconds")
    payload.taken_back(item)
    assert item == kept


def test_what_lies_in_the_scheduled_set_tells_no_due_time_and_no_enqueuing() -> None:
    assert payload.scheduled({"class": "A", "at": 5.0, "enqueued_at": 1.0, "x": 1}) == {"class": "A", "x": 1}
    assert payload.queued({"class": "A", "at": 5.0}, NOW, "seconds") == {"class": "A", "enqueued_at": NOW}


def test_a_long_or_broken_error_message_does_not_break_the_payload() -> None:
    after = payload.failed({}, "q", "E", "ü" * 20_000, None, NOW, "seconds")
    assert after["error_message"] == "ü" * 10_000
    assert payload.failed({}, "q", "E", "a\ud800b", None, NOW, "seconds")["error_message"] == "a?b"


@pytest.mark.parametrize(
    ("fields", "queue"),
    [
        ({}, "q"),
        ({"queue": "other"}, "q"),
        ({"retry_queue": "low"}, "low"),
        ({"retry_queue": None}, "q"),
        ({"retry_queue": 5}, "q"),
        ({"retry_queue": ""}, "q"),
    ],
)
def test_what_failed_carries_the_queue_for_retries_else_the_one_it_was_taken_from(
    fields: dict[str, Any], queue: str
) -> None:
    assert payload.failed(fields, "q", "E", "m", None, NOW, "seconds")["queue"] == queue


@pytest.mark.parametrize(
    ("raw", "marked"),
    [
        (b'{"class":"A","args":[]}', b'{"class":"A","args":[],"rescues":2}'),
        (b'{"class":"A","args":[],"rescues":1}', b'{"class":"A","args":[],"rescues":2}'),
        (b'{"class":"A","args":[],"rescues":19}\n', b'{"class":"A","args":[],"rescues":2}'),
        # No other byte changes: not the spaces, nor how a number or a letter is written, nor what looks like a mark.
        (b'{ "args":[1.0e+16,"\\u00fc"], "class":"A"}\n', b'{ "args":[1.0e+16,"\\u00fc"], "class":"A","rescues":2}'),
        (b'{"class":"A","args":[{"rescues":1}]}', b'{"class":"A","args":[{"rescues":1}],"rescues":2}'),
        (b'{"args":[],"class":",\\"rescues\\":1}"}', b'{"args":[],"class":",\\"rescues\\":1}","rescues":2}'),
        (b'{"class":"A","args":[],"x":{"y":1,"rescues":1}}',
         b'{"class":"A","args":[],"x":{"y":1,"rescues":1},"rescues":2}'),
        # Another producer wrote on behind the mark, which keeps its place then.
        (b'{"class":"A", "args":[],"rescues":1,"x":0.5}', b'{"class":"A","args":[],"rescues":2,"x":0.5}'),
        (b'{"class":"A","args":[],"rescues":"much"}', b'{"class":"A","args":[],"rescues":2}'),
    ],
)  # fmt: skip
def test_a_rescue_adds_its_mark_and_leaves_all_else_as_it_was(raw: bytes, marked: bytes) -> None:
    assert payload.rescued(raw, payload.parse(raw), 2) == marked
    assert payload.rescues(payload.parse(marked)) == 2


@pytest.mark.parametrize("value", [None, 0, -1, 1.0, True, "1", [1]])
def test_what_is_no_count_of_rescues_counts_as_none(value: object) -> None:
    assert payload.rescues({"rescues": value}) == payload.rescues({}) == 0


def test_an_ordinary_failure_clears_a_suspect() -> None:
    assert "rescues" not in payload.failed({"class": "A", "rescues": 2}, "q", "E", "m", None, NOW, "seconds")


def test_taking_back_an_attempt_that_never_was_changes_nothing() -> None:
    item = {"class": "A", "args": []}
    assert payload.taken_back(item) == item
    assert payload.taken_back(item | {"retry_count": 0})["retry_count"] == -1


@pytest.mark.parametrize(
    ("retry", "count", "exhausted"),
    [(True, 24, False), (True, 25, True), (None, 25, True), (3, 2, False), (3, 3, True), (0, 0, True)],
)
def test_how_many_retries_there_are(retry: bool | int | None, count: int, exhausted: bool) -> None:
    assert retries.is_exhausted({"retry": retry, "retry_count": count}, 25, NOW) is exhausted


def test_the_back_off_grows_with_the_fourth_power() -> None:
    assert [retries.delay(count, None, 0.0) for count in range(4)] == [15, 16, 31, 96]
    assert retries.delay(2, 100, 0.0) == 100
    # A whole number of seconds below 10 * (count + 1).
    assert retries.delay(2, 0, 0.999_999) == 29
    assert retries.delay(0, 0, 0.15) == 1
