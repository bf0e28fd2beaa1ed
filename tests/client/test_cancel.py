"""Cancelling what waits, and telling the processes, on both sides."""

import msgspec
import pytest

from tests.api.sides import Side, jid, job, raw

_OTHER = "host:2:0"


def _register(side: Side, *identities: str) -> None:
    """Enter processes into the registry of those that may have jobs in flight."""
    for identity in identities:
        entry = {"pid": 1, "machine": "elsewhere", "started": 0, "queues": ["default", "low"]}
        side.server.command("HSET", "teep:inflight", identity, msgspec.json.encode(entry))


def _told(side: Side, identity: str) -> list[bytes]:
    return list(side.server.command("LRANGE", f"{{{identity}-signals}}:cancels", 0, -1))


def test_a_queued_job_is_removed_and_its_neighbours_are_not(side: Side) -> None:
    side.push(job(1), job(2), job(3), queue="low")
    side.push(job(4, args=[jid(2)]))  # one that only mentions it
    assert side.run(side.Client().cancel(jid(2))) == "queued"
    assert [item["jid"] for item in side.lying("low")] == [jid(3), jid(1)]
    assert [item["jid"] for item in side.lying()] == [jid(4)]
    assert side.run(side.Client().cancel(jid(2))) is None


@pytest.mark.parametrize(("key", "where"), [("schedule", "scheduled"), ("retry", "retrying")])
def test_a_job_of_a_set_is_removed_and_its_neighbours_are_not(side: Side, key: str, where: str) -> None:
    side.add(key, {1e9: job(1), 2e9: job(2, retry_count=3), 3e9: job(3)})
    assert side.run(side.Client().cancel(jid(2))) == where
    assert list(side.scored(key)) == [raw(job(1)), raw(job(3))]
    assert side.run(side.Client().cancel(jid(2))) is None


def test_a_dead_job_stays_and_what_is_nowhere_is_not_found(side: Side) -> None:
    side.add("dead", {1e9: job(1)})
    side.push("no json at all, but " + jid(2))
    assert side.run(side.Client().cancel(jid(1))) is None
    assert side.run(side.Client().cancel(jid(2))) is None
    assert side.run(side.Client().cancel("")) is None
    assert len(side.scored("dead")) == side.server.command("LLEN", "queue:default") == 1


def test_every_teep_process_is_told_and_ruby_is_not(side: Side) -> None:
    _register(side, "host:1:0", _OTHER)
    side.server.command("SADD", "processes", "host:1:0", "ruby:3:0")
    assert side.run(side.Client().cancel(jid(1))) is None
    assert side.run(side.Client().cancel(jid(2))) is None
    for identity in ("host:1:0", _OTHER):
        assert _told(side, identity) == [jid(2).encode(), jid(1).encode()]
        assert 50 <= side.server.command("TTL", f"{{{identity}-signals}}:cancels") <= 60
    assert not side.server.command("EXISTS", "ruby:3:0-signals", "{ruby:3:0-signals}:cancels")


def test_a_job_in_flight_is_left_to_its_process(side: Side) -> None:
    _register(side, "host:1:0", _OTHER)
    key = f"{{queue:low}}:inflight:{_OTHER}"
    side.server.command("RPUSH", key, raw(job(1)), raw(job(2)))
    assert side.run(side.Client().cancel(jid(2))) == "working"
    assert side.server.command("LRANGE", key, 0, -1) == [raw(job(1)), raw(job(2))]
    assert _told(side, _OTHER) == [jid(2).encode()]


def test_an_iterable_job_that_waits_loses_its_place_and_one_that_ruby_may_run_is_marked(side: Side) -> None:
    side.push(job(1))
    for number in (1, 2):
        side.server.command("HSET", f"it-{jid(number)}", "ex", 2, "c", "51")
    assert side.run(side.Client().cancel(jid(1))) == "queued"
    assert side.server.command("HGETALL", f"it-{jid(1)}") == {}
    assert side.run(side.Client().cancel(jid(2))) is None
    marked = side.server.command("HGETALL", f"it-{jid(2)}")
    assert marked.pop(b"cancelled").isdigit()
    assert marked == {b"ex": b"2", b"c": b"51"}
