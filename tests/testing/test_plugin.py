"""The pytest plugin in a project of a user: a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.processes import lives
from tests.support.servers import Server
from tests.support.waiting import wait_until

_JOBS = """
import teep

seen = []
config = teep.configure(redis_url="redis://127.0.0.1:1", job_defaults={"retry": 7})
config.client_middleware.add(lambda item, call_next: call_next() | {"by": "the application"})
config.on("startup", lambda: seen.append("startup"))

@teep.job
def note(number):
    seen.append(number)
"""

_TESTS = """
import pathlib, pytest, teep, threading
from jobs import config, note, seen

@pytest.fixture(autouse=True)
def restored():
    yield
    assert teep.default_config() is config

def test_the_option_holds_in_every_thread():
    thread = threading.Thread(target=note.perform_async, args=[1])
    thread.start()
    thread.join()
    assert teep.testing.drain() == 1
    assert seen.pop() == 1

@pytest.mark.teep("inline")
def test_a_marker_comes_before_the_option():
    note.perform_async(2)
    assert seen.pop() == 2

@pytest.mark.teep("disable")
def test_disable():
    with pytest.raises(teep.errors.RedisUnavailable):
        note.perform_async(3)

@pytest.mark.parametrize("again", range(2))
def test_each_test_has_an_empty_server_and_the_applications_configuration(teep_redis, again):
    assert teep.default_config() is teep_redis is not config
    assert (teep.Queue().size(), teep.Stats().processed) == (0, 0)
    note.perform_async(4)
    job = teep.Queue().first()
    assert (job["retry"], job["by"]) == (7, "the application")

def test_a_worker(teep_worker):
    note.perform_async(5)
    assert teep_worker.drain() == 1
    assert seen == ["startup", 5]
    (pid,) = pathlib.Path("temporary").glob("**/server.pid")
    pathlib.Path("server.pid").write_text(pid.read_text())

def test_a_configuration_of_the_tests_own(teep_redis):
    teep.configure(redis_url=teep_redis.redis_url)
"""


def run(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "jobs.py").write_text(_JOBS, "utf-8")
    (folder / "test_jobs.py").write_text(tests, "utf-8")
    command = [sys.executable, "-m", "pytest", "-W", "error", "--strict-markers", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, f"--basetemp={folder / 'temporary'}", *options],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True, timeout=90,
        check=False,
    )  # fmt: skip


def test_the_fixtures_and_the_mode(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nteep_mode = fake\n", "utf-8")
    done = run(tmp_path, _TESTS)
    assert "7 passed" in done.stdout, done.stdout + done.stderr
    pid = int((tmp_path / "server.pid").read_text("utf-8"))
    wait_until(lambda: not lives(pid), 30, "the session's server to end")


def test_a_redis_of_ones_own(tmp_path: Path, valkey: Server) -> None:
    valkey.flushall()
    valkey.command("SET", "left", "behind")
    tests = "import jobs\n\ndef test(teep_redis):\n    jobs.note.perform_async(1)\n"
    done = run(tmp_path, tests, f"--teep-redis-url={valkey.url}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(valkey.command("KEYS", "*")) == [b"queue:default", b"queues"]


def test_a_mode_that_does_not_exist(tmp_path: Path) -> None:
    marked = [
        f"@pytest.mark.teep({mode})\ndef test_{number}(): ...\n" for number, mode in enumerate(["'unreal'", ""])
    ]
    done = run(tmp_path, "\n".join(["import pytest\n", *marked]))
    assert "there is no teep mode 'unreal'; there are fake, inline and disable" in done.stdout, done.stdout
    assert "there is no teep mode None; there are fake, inline and disable" in done.stdout
    assert "2 errors" in done.stdout
