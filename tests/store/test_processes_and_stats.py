"""Processes as they show themselves in Redis, and statistics."""

import datetime as dt

import pytest

from teep.store import leader, processes
from teep.store.processes import Message
from teep.store.statistics import stats
from teep.wire.command import Arg
from tests.store.conftest import Run
from tests.support import golden
from tests.support.servers import Server

ME = "host:1:0123456789ab"
FIELDS: dict[str, Arg] = {
    "info": b'{"pid":1}',
    "busy": 2,
    "beat": "1795487425.5",
    "quiet": "false",
    "rss": 9,
    "rtt_us": 80,
}


def test_a_beat_shows_the_process_and_its_work(run: Run, server: Server) -> None:
    work = {"t1": processes.work_entry("q", b'{"class":"A","args":[]}', 1_795_487_425.9)}
    assert not run(processes.beat(ME, FIELDS, work))
    assert run(processes.beat(ME, FIELDS, work))
    process = run(processes.get(ME))
    assert process is not None
    assert (process.info, process.busy, process.beat, process.quiet) == ({"pid": 1}, 2, 1_795_487_425.5, False)
    assert run(processes.identities()) == [ME]
    assert run(processes.count()) == 1
    (running,) = run(processes.running())
    assert (running.queue, running.run_at) == ("q", 1_795_487_425)
    for key in (ME, f"{ME}:work", f"{ME}:workers"):
        assert 55 <= server.command("TTL", key) <= 60


def test_finished_work_vanishes_with_the_next_beat(run: Run, server: Server) -> None:
    run(processes.beat(ME, FIELDS, {"t1": processes.work_entry("q", b"{}", 1.0)}))
    run(processes.beat(ME, FIELDS, {}))
    assert run(processes.running()) == []
    assert server.command("EXISTS", f"{ME}:work", f"{ME}:workers") == 0


def test_leaving(run: Run) -> None:
    run(processes.beat(ME, FIELDS, {"t1": processes.work_entry("q", b"{}", 1.0)}))
    run(processes.leave(ME))
    assert (run(processes.get(ME)), run(processes.listing()), run(processes.running())) == (None, [], [])


def test_cleaning_up_takes_the_dead_out_once_a_minute(run: Run, server: Server) -> None:
    run(processes.beat(ME, FIELDS, {}))
    server.command("SADD", "processes", "dead:1:0", "dead:2:0")
    assert run(processes.cleanup()) == 2
    assert run(processes.identities()) == [ME]
    server.command("SADD", "processes", "dead:3:0")
    assert run(processes.cleanup()) == 0
    assert 55 <= server.command("TTL", "process_cleanup") <= 60


def test_a_process_is_kept_alive_from_outside_but_not_brought_back(run: Run, server: Server) -> None:
    assert run(processes.keep_alive(ME, 12.5)) is False
    assert server.command("EXISTS", ME) == 0
    run(processes.beat(ME, {"info": "{}", "beat": "1.0"}, {"tid": b"work"}))
    for key in (ME, f"{ME}:work", f"{ME}:workers"):
        server.command("EXPIRE", key, 5)
    assert run(processes.keep_alive(ME, 12.5)) is True
    assert server.command("HGET", ME, "beat") == b"12.5"
    assert [server.command("TTL", key) > 50 for key in (ME, f"{ME}:work", f"{ME}:workers")] == [True] * 3


def test_signals_reach_the_process_that_waits_and_expire(run: Run, server: Server) -> None:
    async def receive(*, signals: bool = True) -> Message | None:
        return await processes.next_message(ME, 1, signals=signals)

    run(processes.send_signal(ME, "TSTP"))
    run(processes.send_signal(ME, "TERM"))
    assert 55 <= server.command("TTL", f"{ME}-signals") <= 60
    server.command("LPUSH", f"{{{ME}-signals}}:cancels", "f00", "ba5")
    assert run(receive(signals=False)) == Message(is_signal=False, text="f00")
    assert [run(receive()), run(receive())] == [Message(is_signal=True, text=name) for name in ("TSTP", "TERM")]
    assert run(receive()) == Message(is_signal=False, text="ba5")


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_a_busy_process_of_real_sidekiq_is_read(run: Run, server: Server, version: str) -> None:
    golden.restore(server, golden.load(version, "22-busy"))
    (process,) = run(processes.listing())
    assert process.busy == len(run(processes.running())) == run(stats.slow()).workers_size > 0
    assert process.info["hostname"] == "vm"
    assert all(b'"class"' in work.payload for work in run(processes.running()))


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_statistics_of_real_sidekiq(run: Run, server: Server, version: str) -> None:
    golden.restore(server, golden.load(version, "26-stats-after-exit"))
    assert run(stats.fast()) == stats.Fast(7, 1, 0, 0, 1, 0, 0, None)
    processed, failed, expired = run(stats.history(dt.date(2026, 11, 25), 3))
    assert processed == {"2026-11-25": 0, "2026-11-24": 7, "2026-11-23": 0}
    assert failed == {"2026-11-25": 0, "2026-11-24": 1, "2026-11-23": 0}
    assert expired == {"2026-11-25": 0, "2026-11-24": 0, "2026-11-23": 0}


def test_resetting_changes_only_what_is_named(run: Run, server: Server) -> None:
    server.command("MSET", "stat:processed", 7, "stat:failed", 3)
    run(stats.reset(["failed"]))
    fast = run(stats.fast())
    assert (fast.processed, fast.failed) == (7, 0)


def test_sizes(run: Run, server: Server) -> None:
    server.command("SADD", "queues", "default", "low", "empty")
    server.command("LPUSH", "queue:default", "1", "2")
    server.command("LPUSH", "queue:low", *"abc")
    assert run(stats.slow()) == stats.Slow(0, 5)
    assert run(stats.queue_sizes()) == {"low": 3, "default": 2, "empty": 0}
    assert run(stats.fast()).default_queue_oldest == b"1"


def test_an_empty_redis_has_statistics_too(run: Run) -> None:
    assert run(stats.fast()) == stats.Fast(0, 0, 0, 0, 0, 0, 0, None)
    assert run(stats.slow()) == stats.Slow(0, 0)
    assert run(stats.queue_sizes()) == {}
    assert run(processes.listing()) == []
    assert run(leader.leader()) == ""
