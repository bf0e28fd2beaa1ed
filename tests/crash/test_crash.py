"""A worker that is killed again and again loses nothing."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import teep
from tests.crash.conftest import COUNTED
from tests.support.servers import Server
from tests.support.waiting import wait_until

_ROOT = Path(__file__).parent.parent.parent
_JOBS = 2_000
_LEAST_KILLS = 8
_CONCURRENCY = 10


@contextmanager
def _worker(server: Server, file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    arguments = ("-c", str(_CONCURRENCY), "-q", "default", "-q", "other", "--log-level", "ERROR")
    process = subprocess.Popen(
        [sys.executable, "-m", "teep", "worker", "tests.crash.jobs", *arguments],
        cwd=_ROOT,
        env=os.environ | {"REDIS_URL": server.url, "PYTHONPATH": str(_ROOT / "src"), "CRASH_FILE": str(file)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _push(server: Server, seed: int) -> None:
    """Push jobs of mixed lengths, 10 to 60 ms with a few of none at all, of both kinds, into two queues."""
    client = teep.Client(teep.Config(redis_url=server.url))
    chance = random.Random(seed)
    for part, name in enumerate(("crash", "crash_async")):
        args = [[number, chance.choice((0.0, 0.01, 0.03, 0.06))] for number in range(part, _JOBS, 2)]
        half = len(args) // 2
        client.push_bulk({"class": name, "args": args[:half]})
        client.push_bulk({"class": name, "args": args[half:], "queue": "other"})


def _runs(file: Path) -> "Counter[int]":
    return Counter(int(line) for line in file.read_bytes().split()) if file.exists() else Counter()


def _wait_for_runs(file: Path, count: int) -> None:
    wait_until(lambda: _runs(file).total() >= count, 20, lambda: f"{count} runs, not {_runs(file).total()}")


def _kill_at_random_moments(server: Server, file: Path, chance: random.Random) -> int:
    """Start a worker and kill it, as often as it takes to see enough crashes; returns how many there were."""
    kills = 0
    while kills < _LEAST_KILLS:
        with _worker(server, file) as process:
            before = _runs(file).total()
            # It kills at a moment that is random for the worker: so many runs later, and then some milliseconds.
            _wait_for_runs(file, before + chance.randrange(1, 200))
            time.sleep(chance.random() * 0.02)
            process.kill()
            kills += 1
    return kills


def test_two_thousand_jobs_survive_a_worker_that_is_killed_again_and_again(
    server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    file = tmp_path / "ran"
    _push(server, seed)
    kills = _kill_at_random_moments(server, file, random.Random(seed))
    with _worker(server, file) as process:
        wait_until(
            lambda: len(_runs(file)) == _JOBS, 60, lambda: f"all runs; {len(_runs(file))} of {_JOBS} (seed {seed})"
        )
        wait_until(lambda: not _left(server), 20, lambda: f"nothing to be left, not {_left(server)} (seed {seed})")
        process.terminate()
        assert process.wait(20) == 0
    runs = _runs(file)
    repeated = runs.total() - _JOBS
    request.config.stash[COUNTED].append(
        f"crash test on {server.kind}: {_JOBS} jobs, {kills} kills (SIGKILL), none lost, {repeated} runs repeated"
        f" (seed {seed})"
    )
    assert set(runs) == set(range(_JOBS)), f"seed {seed}"
    # A run that was not acknowledged before the kill is repeated; each job is acknowledged, and counted, once.
    assert server.command("ZCARD", "retry") == server.command("ZCARD", "dead") == 0
    assert int(server.command("GET", "stat:processed")) == _JOBS


def _left(server: Server) -> int:
    keys = [b"queue:default", b"queue:other", *server.command("KEYS", "{queue:*}:inflight:*")]
    return sum(server.command("LLEN", key) for key in keys)
