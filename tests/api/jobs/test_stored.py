"""Jobs are read once on their way through the data API, which says of what it shows whether it is a job."""

from collections.abc import Callable
from typing import Any

import pytest

from teep.errors import MalformedPayload
from teep.wire import json
from tests.api.sides import Side, jid, job, raw

ODD: dict[str, dict[str, Any]] = {
    "a job": job(1),
    "no class": {"args": [], "jid": jid(1)},
    "no args": {"class": "Noop", "jid": jid(1)},
    "args of another kind": {"class": "Noop", "args": {}, "jid": jid(1)},
}


@pytest.mark.parametrize("name", ODD)
def test_what_find_job_shows_says_whether_a_queue_can_take_it(side: Side, name: str) -> None:
    side.add("retry", {5.0: ODD[name]})
    entry = side.run(side.RetrySet().find_job(jid(1)))
    assert entry.raw == raw(ODD[name])
    assert entry.is_job == (name == "a job")
    assert side.run(side.RetrySet().where(jids=[jid(1)]).move_to("low")) == entry.is_job
    side.add("retry", {5.0: ODD[name]})
    if entry.is_job:
        assert side.run(entry.retry())
        return
    with pytest.raises(MalformedPayload, match="no queue can take this entry"):
        side.run(entry.retry())
    assert side.scored("retry") == {raw(ODD[name]): 5.0}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was read as JSON."""
    seen: list[bytes] = []
    loads = json.loads

    def counted(given: bytes) -> Any:
        seen.append(given)
        return loads(given)

    monkeypatch.setattr(json, "loads", counted)
    return seen


Act = Callable[[Side], Any]


@pytest.mark.parametrize(
    "act",
    [
        lambda side: side.RetrySet().where(klass="Noop").retry_all(),
        lambda side: side.RetrySet().where(klass="Noop").move_to("low"),
        lambda side: side.RetrySet().where(klass="Noop").kill_all(notify_failure=True),
        lambda side: side.RetrySet().retry_all(),
    ],
)
def test_a_verb_reads_each_job_once(side: Side, read: list[bytes], act: Act) -> None:
    side.add("retry", {float(number): job(number) for number in range(3)})
    side.run(act(side))
    assert len(read) == 3


def test_an_entry_is_read_once_for_its_verb(side: Side, read: list[bytes]) -> None:
    side.add("retry", {1.0: job(1)})
    (entry,) = side.run(side.RetrySet().fetch(1.0))
    read.clear()  # asyncio shows what a coroutine returns, to itself
    assert side.run(entry.retry())
    assert len(read) == 1


def test_a_walk_reads_each_job_once(side: Side, read: list[bytes]) -> None:
    side.add("retry", {float(number): job(number) for number in range(3)})
    for each in side.listed(side.RetrySet().where(klass="Noop")):
        assert each.klass == "Noop"
        assert each.args == [each.score]
    assert len(read) == 3
