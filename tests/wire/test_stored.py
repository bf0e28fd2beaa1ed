"""What lies in Redis is one thing to all of teep: a job, or none."""

import pytest

from teep.errors import MalformedPayload
from teep.wire import json, payload
from teep.wire.stored import Stored

NO_JOBS: dict[bytes, dict[str, object]] = {
    b"no job": {},
    b"\xff\xfe": {},
    b"": {},
    b"null": {},
    b'["class","args"]': {},
    b"{}": {},
    b'{"args":[],"jid":"x"}': {"args": [], "jid": "x"},
    b'{"class":"C","jid":"x"}': {"class": "C", "jid": "x"},
    b'{"class":"C","args":{}}': {"class": "C", "args": {}},
    b'{"class":7,"args":[]}': {"class": 7, "args": []},
}


@pytest.mark.parametrize("raw", NO_JOBS)
def test_no_job_shows_what_fields_it_has(raw: bytes) -> None:
    stored = Stored(raw)
    assert (stored.item, stored.fields) == (None, NO_JOBS[raw])
    with pytest.raises(MalformedPayload) as parsed:
        payload.parse(raw)
    with pytest.raises(MalformedPayload) as told:
        stored.parsed()
    assert str(told.value) == str(parsed.value)


def test_a_job_is_its_fields() -> None:
    raw = b'{"class":"C","args":[],"jid":"x","own":1.5}'
    stored = Stored(raw)
    assert stored.item == stored.fields == stored.parsed() == payload.parse(raw)
    assert (stored.raw, stored.jid) == (raw, "x")


@pytest.mark.parametrize(("raw", "jid"), [(b'{"jid":"x"}', "x"), (b'{"jid":8}', None), (b"{}", None), (b"x", None)])
def test_a_jid_is_a_string(raw: bytes, jid: str | None) -> None:
    assert Stored(raw).jid == jid


def test_it_is_read_once_and_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda raw: read.append(raw) or loads(raw))  # type: ignore[func-returns-value]
    for raw in (b"no job", b'{"class":"C","args":[]}'):
        stored = Stored(raw)
        assert not read
        for _ in range(2):
            assert (stored.item or {}) == stored.fields
        assert read == [raw]
        read.clear()
