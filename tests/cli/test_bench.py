"""`teep bench` on a real server; speed is not tested."""

import json
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.support.servers import Server
from tests.support.waiting import wait_until

from .running import COMMAND, environment, output, sentence, teep


def keys(server: Server) -> set[str]:
    """Every key but those of processes that have left, which expire by themselves."""
    return {key.decode() for key in server.command("KEYS", "*") if server.command("TTL", key) == -1}


@pytest.mark.slow("ten thousand jobs are the fewest that it measures with")
def test_every_figure_is_there_and_nothing_else_is_touched(valkey: Server) -> None:
    valkey.flushall()
    valkey.command("SADD", "queues", "default")
    valkey.command("LPUSH", "queue:default", "a job of someone else")
    before = keys(valkey)
    figures = json.loads(output("bench", "--jobs", "10000", "--json", "--redis-url", valkey.url))
    assert (figures.pop("jobs"), figures.pop("concurrency")) == (10_000, 10)
    assert figures.keys() == {
        "round_trip", "enqueue_one", "enqueue_bulk", "pickup_p50", "pickup_p99",
        "floor", "noop", "noop_async", "noop_to_floor", "noop_async_to_floor",
    }  # fmt: skip
    assert all(figure > 0 for figure in figures.values())
    assert figures["pickup_p50"] <= figures["pickup_p99"]
    assert keys(valkey) - before == {"stat:processed"}
    assert valkey.command("SMEMBERS", "queues") == {b"default"}
    assert valkey.command("LRANGE", "queue:default", 0, -1) == [b"a job of someone else"]


@pytest.mark.slow("ten thousand jobs are the fewest that it measures with")
def test_the_table_for_people(valkey: Server) -> None:
    valkey.flushall()
    text = output("bench", "--jobs", "10000", "-c", "2", "--async", TEEP_REDIS_URL=valkey.url)
    rows = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    assert rows[0] == "10,000 jobs, concurrency 2 a second of the bare loop takes"
    assert any(row.startswith("no-op async def jobs ") and row.endswith("%") for row in rows)
    assert not any(row.startswith("no-op def jobs") for row in rows)
    assert any(row.startswith("a job's pickup, median ") and row.endswith(" ms") for row in rows)


def loop_runs(server: Server) -> bool:
    return any(server.command("LLEN", key) for key in server.command("KEYS", "{queue:teep-bench-*}:inflight:bench"))


def worker_runs(server: Server) -> bool:
    return bool(server.command("SCARD", "processes"))


@pytest.mark.slow("there must be a middle of a measurement to stop it in")
@pytest.mark.parametrize(
    ("moment", "jobs", "sign", "status"),
    [(loop_runs, 100_000, signal.SIGINT, 130), (worker_runs, 20_000, signal.SIGTERM, 143)],
)
def test_stopped_in_the_middle_it_cleans_up(
    valkey: Server, moment: Callable[[Server], bool], jobs: int, sign: signal.Signals, status: int
) -> None:
    valkey.flushall()
    command = [*COMMAND, "bench", "--jobs", str(jobs), "--redis-url", valkey.url]
    with subprocess.Popen(
        command,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as bench:
        wait_until(lambda: moment(valkey), 60, "the moment to stop it")
        bench.send_signal(sign)
        _, errors = bench.communicate(timeout=60)
    assert (bench.returncode, errors.strip()) == (status, "")
    assert keys(valkey) <= {"stat:processed"}


def test_too_few_jobs_are_refused(valkey: Server) -> None:
    done = teep("bench", "--jobs", "5", "--redis-url", valkey.url)
    assert done.returncode == 2
    assert "100" in done.stderr


def test_a_concurrency_that_does_not_fit_is_one_sentence(valkey: Server) -> None:
    done = teep("bench", "-c", "0", "--redis-url", valkey.url)
    assert "concurrency must be a whole number from 1" in sentence(done, 2)
