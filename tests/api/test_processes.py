"""Processes of every Sidekiq version and of teep, how to signal them, and what runs in them."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

import teep
from teep.api import EmbeddedProcess
from tests.api.sides import Side
from tests.support import golden

IDENTITY = "web.1:4:0123456789ab"


def live(side: Side, identity: str = IDENTITY, **fields: Any) -> None:
    """Write a process as its heartbeat would; `info` is given as fields of its own."""
    info = {"hostname": "web.1", "pid": 4, "tag": "app", "started_at": 1.5e9, "queues": ["default"], "labels": ["a"]}
    info |= {"identity": identity, "concurrency": 5} | fields.pop("info", {})
    side.server.command("SADD", "processes", identity)
    usual: dict[str, Any] = {
        "info": json.dumps(info),
        "busy": 0,
        "beat": 1.6e9,
        "quiet": "false",
        "rss": 100,
        "rtt_us": 70,
    }
    for name, value in (usual | fields).items():
        side.server.command("HSET", identity, name, value)


def test_none(side: Side) -> None:
    processes = side.ProcessSet()
    assert side.listed(processes) == []
    assert (side.run(processes.size()), side.run(processes.total_concurrency())) == (0, 0)
    assert (side.run(processes.total_rss_in_kb()), side.run(processes.leader())) == (0, "")
    assert side.run(processes.leaders()) == ()
    assert side.run(processes.get("nobody")) is None


def test_every_field(side: Side) -> None:
    live(side, busy=3, quiet="true", info={"version": "8.1.7", "embedded": True, "own": 1})
    (process,) = side.listed(side.ProcessSet())
    assert (process.identity, process.id, process.hostname, process.pid) == (IDENTITY, IDENTITY, "web.1", 4)
    assert (process.tag, process.labels, process.queues, process.concurrency) == ("app", ["a"], ["default"], 5)
    assert (process.busy, process.rss, process.rtt_us) == (3, 100, 70)
    assert process.beat == datetime.fromtimestamp(1.6e9, UTC)
    assert process.started_at == datetime.fromtimestamp(1.5e9, UTC)
    assert (process.version, process.embedded, process.stopping, process["own"], process["x"]) == (
        "8.1.7", True, True, 1, None,
    )  # fmt: skip
    assert repr(process).endswith(f"Process {IDENTITY} busy 3 of 5>")


def test_what_a_heartbeat_says_is_read_by_name_too(side: Side) -> None:
    live(side, busy=3, quiet="true", concurrency=7, late=2)
    (process,) = side.listed(side.ProcessSet())
    named = {name: process[name] for name in ("busy", "beat", "quiet", "rss", "rtt_us", "concurrency", "late")}
    assert named == {
        "busy": 3, "beat": 1.6e9, "quiet": True, "rss": 100, "rtt_us": 70, "concurrency": 7, "late": 2,
    }  # fmt: skip


def test_concurrency_by_name_where_older_versions_have_it(side: Side) -> None:
    live(side)
    (process,) = side.listed(side.ProcessSet())
    assert (process["concurrency"], process["info"]) == (5, None)


@pytest.mark.parametrize("version", golden.VERSIONS)
@pytest.mark.parametrize("step", ["22-busy", "24-quiet"])
def test_recorded_processes(side: Side, version: str, step: str) -> None:
    recording = golden.load(version, step)
    golden.restore(side.server, recording)
    (identity,) = recording.sets["processes"]
    fields = recording.hashes[identity.decode()]
    info = json.loads(fields[b"info"])
    (process,) = side.listed(side.ProcessSet())
    assert (process.identity, process.pid, process.hostname) == (identity.decode(), info["pid"], info["hostname"])
    assert (process.tag, process.labels, process.queues) == ("labtag", [], ["critical", "default"])
    assert (process.concurrency, process.busy) == (2, 2)
    assert (process.rss, process.rtt_us) == (int(fields[b"rss"]), int(fields[b"rtt_us"]))
    assert process.beat.timestamp() == pytest.approx(float(fields[b"beat"]))
    assert process.started_at.timestamp() == pytest.approx(info["started_at"])
    assert process.stopping is (step == "24-quiet")
    assert process.version == (None if version == "6.4.1" else version)
    assert process.weights == ({} if version == "6.4.1" else {"critical": 2, "default": 1})
    mode = {"default": {"concurrency": 2, "mode": "weighted", "weights": {"critical": 2, "default": 1}}}
    assert process.capsules == (mode if version == "8.1.7" else {})
    processes = side.ProcessSet()
    assert side.run(processes.total_concurrency()) == 2
    assert side.run(processes.total_rss_in_kb()) == process.rss


def test_concurrency_and_queues_in_the_new_place_alone(side: Side) -> None:
    capsules = {"a": {"concurrency": 2, "mode": "strict", "weights": {"x": 0}}, "b": {"weights": {"y": 1, "z": 2}}}
    live(side, concurrency=9, info={"queues": None, "concurrency": None, "capsules": capsules})
    (process,) = side.listed(side.ProcessSet())
    assert (process.concurrency, process.queues) == (9, ["x", "y", "z"])
    assert process.weights == {"x": 0, "y": 1, "z": 2}


def test_they_are_listed_by_identity_and_summed(side: Side) -> None:
    for name in ("b:2:x", "a:1:x", "c:3:x"):
        live(side, name)
    processes = side.ProcessSet()
    assert [process.identity for process in side.listed(processes)] == ["a:1:x", "b:2:x", "c:3:x"]
    assert side.run(processes.size()) == 3
    assert side.run(processes.total_concurrency()) == 15
    assert side.run(processes.total_rss_in_kb()) == 300
    assert side.run(processes.get("b:2:x")).identity == "b:2:x"


def test_one_that_left_is_not_there_though_its_hash_still_is(side: Side) -> None:
    live(side)
    side.server.command("SREM", "processes", IDENTITY)
    assert side.run(side.ProcessSet().get(IDENTITY)) is None


def test_the_dead_are_dropped_at_most_once_a_minute(side: Side) -> None:
    live(side)
    side.server.command("SADD", "processes", "dead:1:x", "dead:2:x")
    assert side.run(side.ProcessSet(clean=False).size()) == 3
    assert side.run(side.ProcessSet().size()) == 1
    side.server.command("SADD", "processes", "dead:3:x")
    assert side.run(side.ProcessSet().cleanup()) == 0
    assert side.run(side.ProcessSet().size()) == 2
    assert 0 < side.server.command("TTL", "process_cleanup") <= 60
    side.server.command("DEL", "process_cleanup")
    assert side.run(side.ProcessSet(clean=False).cleanup()) == 1
    assert [process.identity for process in side.listed(side.ProcessSet())] == [IDENTITY]


@pytest.mark.parametrize(("verb", "name"), [("quiet", b"TSTP"), ("stop", b"TERM"), ("dump_threads", b"TTIN")])
def test_signals(side: Side, verb: str, name: bytes) -> None:
    live(side)
    (process,) = side.listed(side.ProcessSet())
    side.run(getattr(process, verb)())
    assert side.server.command("LRANGE", f"{IDENTITY}-signals", 0, -1) == [name]
    assert 0 < side.server.command("TTL", f"{IDENTITY}-signals") <= 60


def test_an_embedded_process_is_left_alone(side: Side) -> None:
    live(side, info={"embedded": True})
    (process,) = side.listed(side.ProcessSet())
    with pytest.raises(EmbeddedProcess, match="cannot be quieted from outside"):
        side.run(process.quiet())
    with pytest.raises(EmbeddedProcess, match="cannot be stopped from outside"):
        side.run(process.stop())
    side.run(process.dump_threads())
    assert side.server.command("LRANGE", f"{IDENTITY}-signals", 0, -1) == [b"TTIN"]


def test_the_leader(side: Side) -> None:
    live(side)
    live(side, "other:1:x")
    side.server.command("SET", "dear-leader", IDENTITY)
    assert side.run(side.ProcessSet().leader()) == IDENTITY
    assert [side.run(process.is_leader()) for process in side.listed(side.ProcessSet())] == [False, True]
    side.server.command("SET", "teep:leader", "other:1:x")  # of two fleets on one Redis
    assert side.run(side.ProcessSet().leader()) == "other:1:x"
    assert [side.run(process.is_leader()) for process in side.listed(side.ProcessSet())] == [True, True]


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_recorded_work(side: Side, version: str) -> None:
    recording = golden.load(version, "22-busy")
    golden.restore(side.server, recording)
    (identity,) = recording.sets["processes"]
    suffix = ":workers" if version == "6.4.1" else ":work"
    recorded = {name.decode(): json.loads(raw) for name, raw in recording.hashes[identity.decode() + suffix].items()}
    works = side.WorkSet()
    assert side.run(works.size()) == 2
    for process_id, thread_id, work in side.listed(works):
        entry = recorded.pop(thread_id)
        assert (process_id, work.process_id, work.thread_id) == (identity.decode(), identity.decode(), thread_id)
        assert (work.queue, work.payload) == (entry["queue"], entry["payload"])
        assert work.run_at == datetime.fromtimestamp(entry["run_at"], UTC)
        assert work.job.item == json.loads(entry["payload"])
        assert (work.job.klass, work.job.queue) == ("SleepJob", "default")
        assert side.run(works.find_work(work.job.jid)).thread_id == thread_id
        assert work.job.jid in repr(work)
    assert recorded == {}
    assert side.run(works.find_work("0" * 24)) is None


def test_work_comes_longest_running_first_and_once(side: Side) -> None:
    for identity, run_at in (("a:1:x", 30), ("b:2:x", 10), ("c:3:x", 20)):
        live(side, identity)
        payload = json.dumps({"class": "Noop", "args": [], "jid": identity})
        value = json.dumps({"queue": "default", "payload": payload, "run_at": run_at})
        for suffix in ("work", "workers"):  # teep writes both names
            side.server.command("HSET", f"{identity}:{suffix}", "t1", value)
    assert [work.job.jid for _, _, work in side.listed(side.WorkSet())] == ["b:2:x", "c:3:x", "a:1:x"]
    assert side.run(side.WorkSet().size()) == 3


def test_a_work_tells_how_long_it_has_run(side: Side) -> None:
    live(side)
    for thread, run_at in (("a", time.time() - 100), ("b", time.time() + 100)):
        value = {"queue": "default", "payload": json.dumps({"class": "Noop", "args": []}), "run_at": int(run_at)}
        side.server.command("HSET", f"{IDENTITY}:work", thread, json.dumps(value))
    longest, other = (work.elapsed for _, _, work in side.listed(side.WorkSet()))
    assert 100 <= longest < 130
    assert other == 0.0


def test_find_work_takes_the_whole_jid(side: Side) -> None:
    live(side)
    for thread, jid, args in (("t1", "abc", []), ("t2", "abcd", ["abc"])):
        payload = json.dumps({"class": "Noop", "args": args, "jid": jid})
        side.server.command(
            "HSET", f"{IDENTITY}:work", thread, json.dumps({"queue": "q", "payload": payload, "run_at": 1})
        )
    assert side.run(side.WorkSet().find_work("abcd")).thread_id == "t2"
    assert side.run(side.WorkSet().find_work("abc")).thread_id == "t1"


def test_the_payload_of_an_old_sidekiq_is_nested(side: Side) -> None:
    live(side)
    value = {"queue": "default", "payload": {"class": "Noop", "args": [1], "jid": "x"}, "run_at": 5}
    side.server.command("HSET", f"{IDENTITY}:work", "t1", json.dumps(value))
    ((_, _, work),) = side.listed(side.WorkSet())
    assert work.job.args == [1]


def test_a_damaged_entry_hides_no_other(side: Side) -> None:
    live(side)
    live(side, "broken:1:x")
    payload = json.dumps({"class": "Noop", "args": [1], "jid": "x"})
    good = json.dumps({"queue": "default", "payload": payload, "run_at": 5})
    side.server.command("HSET", f"{IDENTITY}:work", "t1", good, "t2", "no json", "t3", "{}")
    side.server.command("HSET", "broken:1:x", "info", "no json")
    assert [work.job.jid for _, _, work in side.listed(side.WorkSet())] == ["x"]
    assert [process.identity for process in side.listed(side.ProcessSet())] == [IDENTITY]


def test_workers_is_the_old_name() -> None:
    assert teep.Workers is teep.WorkSet
    assert teep.AsyncWorkers is teep.AsyncWorkSet


@pytest.mark.parametrize(
    "odd", [None, 7, -1, 1e300, "x", True, [[1]], {"a": {"weights": 5}}, 10**400], ids=lambda odd: str(odd)[:9]
)
def test_a_process_may_say_anything_of_itself(side: Side, odd: object) -> None:
    names = ("pid", "started_at", "concurrency", "labels", "queues", "weights", "capsules", "tag", "version")
    for name in names:
        live(side, name, beat="inf", info={name: odd})
    processes = side.listed(side.ProcessSet())
    assert len(processes) == len(names)
    for process in processes:
        assert [getattr(process, name) for name in (*names, "threads", "beat", "hostname")]


def test_the_threads_of_a_queue_are_those_of_its_capsules(side: Side) -> None:
    mail = {"concurrency": 2, "weights": {"mail": 0}}
    rest = {"concurrency": 10, "weights": {"low": 0, "mail": 0}}
    live(side, "new", info={"queues": None, "capsules": {"mail": mail, "rest": rest}, "concurrency": 12})
    live(side, "old", info={"queues": ["low"], "concurrency": 5})
    new, old = side.listed(side.ProcessSet())
    assert (new.threads, old.threads) == ({"mail": 12, "low": 10}, {"low": 5})
