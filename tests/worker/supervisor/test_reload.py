"""`--reload`: workers start anew when their code changes, and running jobs go on in the new ones."""

import gc
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from teep.worker.supervisor.reload.changes import Changes
from tests.cli.running import environment, sentence, teep
from tests.support import forkserver
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess

_JOBS = """
import os
import redis
import teep
from parts.word import WORD

_redis = redis.Redis.from_url(os.environ["REDIS_URL"])

@teep.job(name="say")
def say() -> None:
    _redis.rpush("noted", WORD)

@teep.job(name="say_in_the_end")
async def say_in_the_end() -> None:
    import asyncio

    _redis.rpush("begun", os.getpid())
    while not _redis.exists("go"):
        await asyncio.sleep(0.01)
    _redis.rpush("noted", WORD)
"""
Spawn = Callable[..., WorkerProcess]


@pytest.fixture
def spawn(valkey_fleet: Fleet, tmp_path: Path) -> Spawn:
    """Start `teep worker --reload` with jobs that say a word, which is in a folder of its own."""
    (tmp_path / "saying.py").write_text(_JOBS)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "word.py").write_text("WORD = 'one'\n")

    def started(*flags: str) -> WorkerProcess:
        process = valkey_fleet.spawn(
            "--reload", "saying", *flags, program=("teep", "worker"), path=tmp_path, await_up=False
        )
        process.wait_until_ready()
        return process

    return started


def _change(path: Path, source: str) -> None:
    """Write a file in one step, as editors do: a worker that starts must not read half of it."""
    (fresh := path.with_suffix(".new")).write_text(source)
    fresh.replace(path)


def _ups(process: WorkerProcess) -> int:
    return process.log.count(" is up\n")


@pytest.mark.slow("workers start, and start again")
@pytest.mark.parametrize("flags", [(), ("-p", "2")], ids=["one", "two"])
def test_a_changed_file_starts_the_workers_anew_and_puts_their_jobs_back_at_once(
    valkey_fleet: Fleet, spawn: Spawn, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    count = 2 if flags else 1
    process = spawn("-t", "600", *flags)
    wait_until(lambda: _ups(process) == count, SOON, lambda: process.log)
    valkey_fleet.push("say")
    assert valkey_fleet.wait_for_notes(1) == ["one"]
    valkey_fleet.push("say_in_the_end")
    (pid,) = valkey_fleet.wait_for_notes(1, "begun")

    _change(tmp_path / "parts" / "word.py", "WORD = 'two'\n")
    assert len(set(valkey_fleet.wait_for_notes(2, "begun"))) == 2
    wait_until(lambda: _ups(process) == 2 * count, SOON, lambda: process.log)
    assert not any(f":{pid}:".encode() in name for name in valkey_fleet.server.command("SMEMBERS", "processes"))
    valkey_fleet.server.command("SET", "go", 1)
    assert valkey_fleet.wait_for_notes(2) == ["one", "two"]
    valkey_fleet.wait_until_processed(2)
    assert valkey_fleet.counters() == (2, 0)
    assert f"{os.path.relpath(tmp_path / 'parts' / 'word.py', Path.cwd())} changed: workers start anew" in process.log

    process.signal(signal.SIGINT)
    assert process.wait() == 0
    assert "Traceback" not in process.log
    assert valkey_fleet.server.command("SMEMBERS", "processes") == set()


@pytest.mark.slow("workers start, and start again")
def test_a_syntax_error_is_shown_and_the_next_change_is_waited_for(
    valkey_fleet: Fleet, spawn: Spawn, tmp_path: Path
) -> None:
    process = spawn()
    _change(tmp_path / "saying.py", "def (:\n")
    process.wait_for_log("could not start; the next one starts when a file changes")
    assert "teep: saying cannot be imported" in process.log
    assert "SyntaxError" in process.log
    _change(tmp_path / "saying.py", _JOBS)
    wait_until(lambda: _ups(process) == 2, SOON, lambda: process.log)
    assert process.log.count("could not start") == 1
    valkey_fleet.push("say")
    assert valkey_fleet.wait_for_notes(1) == ["one"]


@pytest.mark.slow("workers start, and start again")
def test_what_is_broken_from_the_start_is_started_once_it_is_mended_or_ends_with_ctrl_c(
    valkey_fleet: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "saying.py").write_text("import broken\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "broken.py").write_text("from inner import missing\n")
    process = valkey_fleet.spawn("--reload", "saying", program=("teep", "worker"), path=tmp_path, await_up=False)
    process.wait_for_log("could not start")
    assert "cannot import name 'missing'" in process.log
    _change(tmp_path / "broken.py", "1 / 0\n")
    process.wait_for_log("ZeroDivisionError")
    wait_until(lambda: process.log.count("could not start") == 2, SOON, lambda: process.log)
    process.signal(signal.SIGINT)
    assert process.wait() == 0


@pytest.mark.slow("a worker starts")
def test_only_code_counts(spawn: Spawn, tmp_path: Path) -> None:
    process = spawn()
    _change(tmp_path / "notes.txt", "no code")
    _change(tmp_path / ".#saying.py", "an editor's lock")
    _change(tmp_path / "parts" / "word.py", "WORD = 'two'\n")
    process.wait_for_log("changed: workers start anew")
    assert process.log.count(" changed: ") == 1
    assert "notes.txt" not in process.log
    assert ".#saying" not in process.log


@pytest.mark.slow("a worker starts")
def test_nothing_is_orphaned(valkey_fleet: Fleet, spawn: Spawn) -> None:
    process = spawn("-t", "1")
    valkey_fleet.push("say_in_the_end")
    (pid,) = valkey_fleet.wait_for_notes(1, "begun")
    process.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), SOON, "the worker to end")
    valkey_fleet.server.command("SET", "go", 1)


def test_a_watch_that_is_closed_leaves_no_socket_open(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True, action="always") as said:
        changes = Changes()
        changes.watch([str(tmp_path)], time.time())
        changes.close()
        changes._note([str(tmp_path / "late.py")])
        del changes
        wait_until(
            lambda: "teep-reload" not in {each.name for each in threading.enumerate()}, SOON, "the watch to end"
        )
        gc.collect()
    assert said == []


def test_it_is_refused_in_production() -> None:
    done = teep("worker", "tests.worker.jobs", "--reload", "-e", "production")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "teep: --reload is for development, and this is production: leave it out\n"


def test_without_its_library_it_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "from teep.cli import main\n"
        "from teep.cli.commands import worker\n"
        "worker.find_spec = lambda _name: None\n"
        "sys.argv = ['teep', 'worker', 'tests.worker.jobs', '--reload']\n"
        "main()\n"
    )
    done = forkserver.run([sys.executable, "-c", program], None, environment())
    assert sentence(done) == "teep: --reload needs watchfiles: pip install 'teep[reload]'"
