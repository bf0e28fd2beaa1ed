"""Jobs in flight: reserved in order, acknowledged once, given back in order, rescued from the dead."""

import datetime as dt
from collections.abc import Collection

import pytest

from teep.errors import MalformedPayload
from teep.store import processes
from teep.store.jobs import queues
from teep.store.running import inflight, owners, rescue
from teep.store.running.outcome import Outcome
from teep.store.running.owners import Owner
from teep.store.running.rescue import Judge
from teep.wire import keys
from teep.wire.keys import Key
from tests.store.conftest import Run
from tests.support import golden
from tests.support.plans import exchange
from tests.support.servers import Server

ME, DAY = "host:1:0123456789ab", dt.date(2026, 11, 24)
FIVE_YEARS = 157_680_000
OWNER = Owner(ME, 1, "machine", 77, ("q", "low"))


def _push(server: Server, *raws: bytes, queue: str = "q") -> None:
    server.command("LPUSH", f"queue:{queue}", *raws)


def _queue(server: Server, queue: str = "q") -> list[bytes]:
    """A queue's jobs, the next to run first."""
    content: list[bytes] = server.command("LRANGE", f"queue:{queue}", 0, -1)
    return content[::-1]


def _held(server: Server, queue: str = "q") -> list[bytes]:
    content: list[bytes] = server.command("LRANGE", f"{{queue:{queue}}}:inflight:{ME}", 0, -1)
    return content


def _counters(server: Server) -> tuple[int, int, int, int]:
    names = ("stat:processed", f"stat:processed:{DAY}", "stat:failed", f"stat:failed:{DAY}")
    processed, processed_today, failed, failed_today = (int(server.command("GET", name) or 0) for name in names)
    return processed, processed_today, failed, failed_today


def test_jobs_are_reserved_oldest_first_and_queues_in_the_order_given(run: Run, server: Server) -> None:
    _push(server, b"1", b"2", b"3")
    _push(server, b"a", b"b", queue="low")
    reserved, late = run(exchange(ME, {}, ["q", "low"], 4, DAY))
    assert reserved == [("q", b"1"), ("q", b"2"), ("q", b"3"), ("low", b"a")]
    assert late == []
    assert (_held(server), _held(server, "low")) == ([b"1", b"2", b"3"], [b"a"])
    assert (_queue(server), _queue(server, "low")) == ([], [b"b"])
    assert _counters(server) == (0, 0, 0, 0)


def test_many_jobs_are_reserved_at_once(run: Run, server: Server) -> None:
    raws = [b"%d" % n for n in range(1_700)]
    _push(server, *raws)
    reserved, _ = run(exchange(ME, {}, ["q"], 1_000, DAY))
    assert [raw for _, raw in reserved] == raws[:1_000]
    rest, late = run(exchange(ME, {"q": raws[:1_000]}, ["q"], 5_000, DAY))
    assert ([raw for _, raw in rest], late) == (raws[1_000:], [])
    assert _counters(server)[:2] == (1_000, 1_000)


def test_a_paused_queue_gives_no_job_but_takes_acknowledgements(run: Run, server: Server) -> None:
    _push(server, b"1", b"2")
    run(exchange(ME, {}, ["q"], 1, DAY))
    run(queues.pause("q"))
    assert run(exchange(ME, {"q": [b"1"]}, ["q"], 5, DAY)) == ([], [])
    assert (_held(server), _queue(server), _counters(server)[0]) == ([], [b"2"], 1)


def test_acknowledging_without_reserving(run: Run, server: Server) -> None:
    _push(server, b"1", b"2", b"3")
    run(exchange(ME, {}, ["q"], 2, DAY))
    assert run(exchange(ME, {"q": [b"2"]}, ["q"], 0, DAY)) == ([], [])
    assert (_held(server), _queue(server)) == ([b"1"], [b"3"])


def test_a_late_acknowledgement_is_told_and_counted_nowhere(run: Run, server: Server) -> None:
    _push(server, b"1", b"2", b"3")
    _push(server, b"a", queue="low")
    run(exchange(ME, {}, ["q", "low"], 4, DAY))
    server.command("LREM", f"{{queue:q}}:inflight:{ME}", 1, b"2")  # a rescuer took it
    done = {"low": [b"a", b"never"], "q": [b"1", b"2", b"3"]}
    reserved, late = run(exchange(ME, done, ["q", "low"], 5, DAY))
    assert reserved == []
    assert sorted(late) == [b"2", b"never"]
    assert _counters(server) == (3, 3, 0, 0)


def test_jobs_of_equal_bytes_are_acknowledged_one_by_one(run: Run, server: Server) -> None:
    _push(server, b"x", b"x", b"x")
    run(exchange(ME, {}, ["q"], 3, DAY))
    assert run(exchange(ME, {"q": [b"x", b"x"]}, [], 0, DAY)) == ([], [])
    assert _held(server) == [b"x"]


def test_daily_counters_expire_as_sidekiqs_do(run: Run, server: Server) -> None:
    _push(server, b"1", b"2")
    run(exchange(ME, {}, ["q"], 2, DAY))
    run(exchange(ME, {"q": [b"1"]}, [], 0, DAY))
    assert FIVE_YEARS - 5 <= server.command("TTL", f"stat:processed:{DAY}") <= FIVE_YEARS
    run(inflight.settle(ME, [Outcome("q", b"2", Key("retry"), 5.0, b"two")], DAY))
    for name in ("stat:processed", "stat:failed"):
        assert server.command("TTL", name) == -1
        assert FIVE_YEARS - 5 <= server.command("TTL", f"{name}:{DAY}") <= FIVE_YEARS
        for version in golden.VERSIONS:
            # Recorded after a few seconds at most.
            assert (
                FIVE_YEARS - 5
                <= golden.load(version, "26-stats-after-exit").ttls[f"{name}:{DAY}"] / 1000
                <= FIVE_YEARS
            )


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_a_failed_job_counts_as_processed_too(run: Run, server: Server, version: str) -> None:
    # The recording: seven jobs, of which one failed.
    raws = [b"%d" % n for n in range(7)]
    _push(server, *raws)
    run(exchange(ME, {}, ["q"], 7, DAY))
    assert [
        told.done for told in run(inflight.settle(ME, [Outcome("q", raws[0], Key("retry"), 1.25, b"again")], DAY))
    ] == [True]
    run(exchange(ME, {"q": raws[1:]}, [], 0, DAY))
    recorded = golden.load(version, "26-stats-after-exit").strings
    for name in ("stat:processed", f"stat:processed:{DAY}", "stat:failed", f"stat:failed:{DAY}"):
        assert server.command("GET", name) == recorded[name]


def test_a_failed_job_moves_on_in_one_step(run: Run, server: Server) -> None:
    _push(server, b"1", b"2", b"3", b"4")
    run(exchange(ME, {}, ["q"], 4, DAY))
    outcomes = [
        Outcome("q", b"1", Key("retry"), 1_795_487_395.125_729_3, b"one"),
        Outcome("q", b"2", Key("dead"), 2.0, b"two"),
        Outcome("q", b"3", None, 0.0, b""),
        Outcome("q", b"4", Key("dead"), 4.0, b"not json", counted=None),
        Outcome("q", b"late", Key("retry"), 5.0, b"five"),
    ]
    assert [told.done for told in run(inflight.settle(ME, outcomes, DAY))] == [True, True, True, True, False]
    assert server.client.zrange("retry", 0, -1, withscores=True) == [(b"one", 1_795_487_395.125_729_3)]
    assert server.client.zrange("dead", 0, -1, withscores=True) == [(b"two", 2.0), (b"not json", 4.0)]
    assert _held(server) == []
    # Bytes that were no job and a failure that came too late are in no statistic.
    assert _counters(server) == (3, 3, 3, 3)


def test_giving_back_keeps_the_order(run: Run, server: Server) -> None:
    _push(server, *(b"%d" % n for n in range(6)))
    run(exchange(ME, {}, ["q"], 4, DAY))
    assert run(inflight.give_back(ME, "q", [b"1", b"2", b"late", b"3"])) == 3
    assert _queue(server) == [b"1", b"2", b"3", b"4", b"5"]
    assert _held(server) == [b"0"]
    assert server.command("SMEMBERS", "queues") == {b"q"}


def test_giving_back_one_of_equal_bytes_takes_the_one_reserved_last(run: Run, server: Server) -> None:
    _push(server, b"x", b"y", b"x")
    run(exchange(ME, {}, ["q"], 3, DAY))
    assert run(inflight.give_back(ME, "q", [b"y", b"x"])) == 2
    assert (_held(server), _queue(server)) == ([b"x"], [b"y", b"x"])


def test_requeuing_all_keeps_the_order_in_any_number_of_batches(run: Run, server: Server) -> None:
    raws = [b"%d" % n for n in range(1_700)]
    _push(server, *raws)
    _push(server, b"a", queue="low")
    run(exchange(ME, {}, ["q", "low"], 1_600, DAY))
    run(exchange(ME, {}, ["low"], 1, DAY))
    assert run(inflight.requeue_all(ME, ["q", "low", "none"])) == {"q": 1_600, "low": 1}
    assert (_queue(server), _queue(server, "low")) == (raws, [b"a"])
    assert run(inflight.requeue_all(ME, ["q", "low"])) == {}


def test_what_is_held_is_told_by_queue(run: Run, server: Server) -> None:
    _push(server, b"1", b"2")
    run(exchange(ME, {}, ["q"], 2, DAY))
    assert run(inflight.payloads(ME, ["q", "low"])) == {"q": [b"1", b"2"], "low": []}


def test_a_blocking_move_reserves_as_an_exchange_does(run: Run, server: Server) -> None:
    _push(server, b"1", b"2")

    async def take(queue: str) -> bytes | None:
        (move,) = inflight.blocking_moves(ME, [queue], 1)
        return await move

    assert [run(take("q")), run(take("q"))] == [b"1", b"2"]
    assert _held(server) == [b"1", b"2"]


def test_the_registry(run: Run) -> None:
    run(owners.register(OWNER))
    run(owners.register(OWNER))
    assert run(owners.registered()) == [OWNER]
    assert run(owners.forget(ME, ["q", "low"]))
    assert run(owners.registered()) == []


def test_a_process_with_jobs_in_flight_is_not_forgotten(run: Run, server: Server) -> None:
    run(owners.register(OWNER))
    _push(server, b"1")
    run(exchange(ME, {}, ["q"], 1, DAY))
    assert not run(owners.forget(ME, ["low", "q"]))
    assert run(owners.registered()) == [OWNER]


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"no json", b'{"pid":1,"machine":"m","started":0,"queues":null}'])
def test_a_damaged_registry_entry_is_named_and_hides_no_other(run: Run, server: Server, raw: bytes) -> None:
    run(owners.register(OWNER))
    server.command("HSET", "teep:inflight", "damaged", raw)
    damage: list[MalformedPayload] = []
    assert run(owners.registered(damage.append)) == [OWNER]
    assert "damaged" in str(damage[0])


def _unmarked(_queue: str, raw: bytes, _started: Collection[str]) -> bytes:
    return raw


def _rescue(run: Run, *, is_gone: bool, judge: Judge = _unmarked) -> dict[str, int] | None:
    return run(rescue.rescue(OWNER, lambda _: is_gone, judge, lambda _: None, DAY))


def test_the_living_are_left_alone(run: Run, server: Server) -> None:
    _push(server, b"1")
    run(owners.register(OWNER))
    run(exchange(ME, {}, ["q"], 1, DAY))
    run(processes.beat(ME, {"info": b"{}"}, {}))
    assert _rescue(run, is_gone=False) is None
    assert (_held(server), run(owners.registered())) == ([b"1"], [OWNER])


@pytest.mark.parametrize("how", ["its heartbeat expired", "its pid is gone"])
def test_the_dead_are_rescued_in_order_and_forgotten(run: Run, server: Server, how: str) -> None:
    _push(server, *(b"%d" % n for n in range(5)))
    run(owners.register(OWNER))
    run(exchange(ME, {}, ["q"], 3, DAY))
    run(rescue.suspect_started(ME, "jid", []))
    if how == "its pid is gone":
        run(processes.beat(ME, {"info": b"{}"}, {}))
    assert _rescue(run, is_gone=how == "its pid is gone") == {"q": 3}
    assert _queue(server) == [b"%d" % n for n in range(5)]
    assert run(owners.registered()) == []
    assert server.command("EXISTS", keys.suspects(ME)) == 0
    assert _rescue(run, is_gone=True) == {}
    # The job that the dead one finishes after all:
    assert run(exchange(ME, {"q": [b"0"]}, [], 0, DAY)) == ([], [b"0"])
    assert _counters(server) == (0, 0, 0, 0)


def test_each_job_of_the_dead_becomes_what_is_judged_knowing_what_had_started(run: Run, server: Server) -> None:
    raws = [b"%d" % n for n in range(1_100)]
    _push(server, *raws)
    run(owners.register(OWNER))
    run(exchange(ME, {}, ["q"], 1_100, DAY))
    for jid, ended in (("1", []), ("7", []), ("9", ["1"])):
        run(rescue.suspect_started(ME, jid, ended))
    died: list[bytes] = []

    def judge(queue: str, raw: bytes, started: Collection[str]) -> bytes | Outcome:
        assert started == {"7", "9"}
        return Outcome(queue, raw, Key("dead"), 5.0, b"dead " + raw) if int(raw) % 500 == 7 else b"new " + raw

    moved = run(rescue.rescue(OWNER, lambda _: True, judge, lambda end: died.append(end.raw), DAY))
    assert moved == {"q": 1_097}
    assert _queue(server) == [b"new " + raw for raw in raws if int(raw) % 500 != 7]
    assert sorted(died) == [b"1007", b"507", b"7"]
    assert server.command("ZRANGE", "dead", 0, -1) == [b"dead 1007", b"dead 507", b"dead 7"]
    assert _counters(server) == (3, 3, 3, 3)
    assert _held(server) == []
