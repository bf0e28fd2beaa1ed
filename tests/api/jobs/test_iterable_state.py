"""How far iterable jobs have come, as Sidekiq 7.3 and 8.1 left it."""

from datetime import UTC, datetime
from typing import Any

import pytest

import teep
from tests.api.sides import Side, jid, job
from tests.api.trips import sent
from tests.support import golden

JID = {"7.3.10": "b129c642ecf148104a7c9c5d", "8.1.7": "00d7462cd9d662b493617bcd"}
RUNTIME = {"7.3.10": 5.111855477999825, "8.1.7": 5.1129277459999685}
CANCELLED = {"7.3.10": 1795487451, "8.1.7": 1795487452}
VERSIONS = tuple(JID)


def restore(side: Side, version: str, step: str) -> None:
    golden.restore(side.server, golden.load(version, step))


def query(side: Side, *jids: str) -> Any:
    kind = side.kind("IterableJobQuery")
    if side.name == "sync":
        return kind(jids, config=side.config)
    return side.run(kind.fetch(jids, config=side.config))


def interrupted(version: str, cancelled: datetime | None = None) -> teep.IterableState:
    return teep.IterableState(JID[version], 1, RUNTIME[version], 51, cancelled)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interrupted_job(side: Side, version: str) -> None:
    restore(side, version, "29-iterable-interrupted")
    assert query(side, JID[version])[JID[version]] == interrupted(version)
    record = side.run(side.Queue().first())
    assert side.run(record.iterable_state()) == interrupted(version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancelled_job(side: Side, version: str) -> None:
    restore(side, version, "30-iterable-cancel-requested")
    state = query(side, JID[version])[JID[version]]
    assert state == interrupted(version, datetime.fromtimestamp(CANCELLED[version], UTC))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_job_that_is_done_has_no_state(side: Side, version: str) -> None:
    restore(side, version, "31-iterable-cancelled-after-exit")
    assert query(side, JID[version])[JID[version]] is None


def test_other_jobs_have_none(side: Side) -> None:
    side.push(job(1))
    side.add("retry", {1.0: job(2)})
    assert side.run(side.run(side.Queue().first()).iterable_state()) is None
    [entry] = side.listed(side.RetrySet())
    assert side.run(entry.iterable_state()) is None
    side.server.command("HSET", f"it-{jid(2)}", "ex", 2)
    assert side.run(entry.iterable_state()) == (jid(2), 2, 0.0, None, None)


def test_a_job_cancelled_before_it_began(side: Side) -> None:
    side.server.command("HSET", f"it-{jid(1)}", "cancelled", 1795487451)
    at = datetime(2026, 11, 24, 2, 30, 51, tzinfo=UTC)
    assert query(side, jid(1))[jid(1)] == (jid(1), 0, 0.0, None, at)


@pytest.mark.parametrize(
    ("cursor", "shown"), [('["a",{"id":7}]', ["a", {"id": 7}]), ('"x"', "x"), ("null", None), ("x y", "x y")]
)
def test_a_cursor_is_whatever_the_enumerator_gave(side: Side, cursor: str, shown: Any) -> None:
    side.server.command("HSET", f"it-{jid(1)}", "ex", 1, "c", cursor, "rt", "1.5")
    assert query(side, jid(1))[jid(1)] == (jid(1), 1, 1.5, shown, None)


def test_many_jobs_are_one_round_trip_at_the_first_use(side: Side) -> None:
    for number in (1, 2, 3):
        side.server.command("HSET", f"it-{jid(number)}", "ex", number)
    with sent() as commands:
        states = query(side, jid(1), jid(2), jid(2), jid(9))
        assert len(commands) == (0 if side.name == "sync" else 1)
        assert [states[jid(number)] is not None for number in (1, 2, 3, 9)] == [True, True, False, False]
        assert len(commands) == 1


def test_no_jobs_have_no_states(side: Side) -> None:
    assert query(side)[jid(1)] is None
