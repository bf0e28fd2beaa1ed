"""The fleet at one look, of every Sidekiq version, and what is done to all of it."""

import json
from typing import Any

import pytest

from teep.api.fleet import AsyncFleet, Fleet
from tests.api.sides import Side
from tests.api.test_processes import IDENTITY, live
from tests.api.trips import sent
from tests.support import golden


def fleet(side: Side) -> Any:
    return (Fleet if side.name == "sync" else AsyncFleet)(config=side.config)


def test_none(side: Side) -> None:
    state = side.run(fleet(side).state())
    assert (state.processes, state.work, state.leader, state.paused) == ([], [], "", frozenset())
    everything = (fleet(side).quiet_all, fleet(side).pause_queues, fleet(side).unpause_queues)
    assert [side.run(do()) for do in everything] == [0, 0, 0]


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_it_says_what_processes_and_works_do(side: Side, version: str) -> None:
    golden.restore(side.server, golden.load(version, "22-busy"))
    state = side.run(fleet(side).state())
    assert [process.identity for process in state.processes] == [
        process.identity for process in side.listed(side.ProcessSet())
    ]
    works = side.listed(side.WorkSet())
    assert [(work.process_id, work.thread_id, work.payload) for work in state.work] == [
        (process, thread, work.payload) for process, thread, work in works
    ]
    assert len(works) == 2


def test_two_round_trips_whatever_there_is(side: Side) -> None:
    for number in range(20):
        live(side, f"web.1:{number}:a", busy=1)
        job = json.dumps({"class": "C", "args": [number], "jid": str(number)})
        work = json.dumps({"queue": "default", "payload": job, "run_at": 100 - number})
        side.server.command("HSET", f"web.1:{number}:a:work", "t", work)
    side.server.command("SADD", "paused", "low")
    side.server.command("SET", "teep:leader", "web.1:3:a")
    side.server.command("SET", "dear-leader", "ruby.1:3:a")
    look = fleet(side)
    with sent() as commands:
        side.run(look.state())
        assert len(commands) == 3  # the first of all looks for the dead
        del commands[:]
        state = side.run(look.state())
        assert len(commands) == 2
        side.server.command("DEL", "process_cleanup")
        del commands[:]
        assert side.run(look.state(clean=False)) is not None
        assert len(commands) == 2
    assert [work.job.args for work in state.work] == [[number] for number in range(19, -1, -1)]
    assert state.leader == "web.1:3:a"
    assert (state.leaders, state.paused) == (("web.1:3:a", "ruby.1:3:a"), frozenset({"low"}))
    assert [work.job.jid for work in state.matching({"args": [7]})] == ["7"]
    assert len(state.matching({"klass": "C"})) == 20


def test_jobs_in_flight_are_counted_by_queue(side: Side) -> None:
    assert side.run(fleet(side).in_flight()) == {}
    for identity, queues in (("a:1:x", ["default", "low"]), ("b:2:y", ["default"])):
        owner = json.dumps({"pid": 1, "machine": "m", "started": 0, "queues": queues})
        side.server.command("HSET", "teep:inflight", identity, owner)
        side.server.command("RPUSH", f"{{queue:default}}:inflight:{identity}", "1", "2")
    side.server.command("HSET", "teep:inflight", "damaged", "{")
    with sent() as commands:
        assert side.run(fleet(side).in_flight()) == {"default": 4, "low": 0}
        assert len(commands) == 2


def test_all_are_told_but_those_that_cannot_be(side: Side) -> None:
    live(side)
    live(side, "quiet:1:x", quiet="true")
    live(side, "embedded:1:x", info={"embedded": True})

    def told() -> dict[str, list[bytes]]:
        names = (IDENTITY, "quiet:1:x", "embedded:1:x")
        return {name: side.server.command("LRANGE", f"{name}-signals", 0, -1) for name in names}

    counts = [side.run(do()) for do in (fleet(side).quiet_all, fleet(side).stop_all, fleet(side).dump_all)]
    assert counts == [1, 2, 3]
    assert told() == {
        IDENTITY: [b"TTIN", b"TERM", b"TSTP"], "quiet:1:x": [b"TTIN", b"TERM"], "embedded:1:x": [b"TTIN"],
    }  # fmt: skip
    assert 0 < side.server.command("TTL", f"{IDENTITY}-signals") <= 60


def test_all_queues_are_paused_and_served_again(side: Side) -> None:
    side.server.command("SADD", "queues", "a", "b", "c")
    side.server.command("SADD", "paused", "b")
    assert side.run(fleet(side).pause_queues()) == 2
    assert set(side.server.command("SMEMBERS", "paused")) == {b"a", b"b", b"c"}
    assert side.run(fleet(side).unpause_queues()) == 3
    assert side.server.command("EXISTS", "paused") == 0


def test_a_damaged_process_hides_no_other(side: Side) -> None:
    live(side)
    for number, fields in enumerate(({"info": "[]"}, {"info": "{"}, {"busy": "x"}, {"beat": "soon"})):
        side.server.command("SADD", "processes", f"odd:{number}:x")
        usual: dict[str, Any] = {"info": "{}", "busy": 0, "beat": 1.0}
        for name, value in (usual | fields).items():
            side.server.command("HSET", f"odd:{number}:x", name, value)
    side.server.command("HSET", f"{IDENTITY}:work", "t", '{"queue":"q","payload":"{}","run_at":"soon"}')
    assert [process.identity for process in side.run(fleet(side).state()).processes] == [IDENTITY]
    assert [process.identity for process in side.listed(side.ProcessSet())] == [IDENTITY]
    assert side.listed(side.WorkSet()) == []
