"""The pytest plugin in a project of a user: a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from teep.testing.databases import own_database
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


@pytest.mark.slow("it runs pytest in a process of its own")
@pytest.mark.slow("a pytest of its own, with a server")
def test_the_fixtures_and_the_mode(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nteep_mode = fake\n", "utf-8")
    done = run(tmp_path, _TESTS)
    assert "7 passed" in done.stdout, done.stdout + done.stderr
    pid = int((tmp_path / "server.pid").read_text("utf-8"))
    wait_until(lambda: not lives(pid), 30, "the session's server to end")


@pytest.mark.slow("it runs pytest in a process of its own")
def test_a_redis_of_ones_own(tmp_path: Path, valkey: Server) -> None:
    valkey.flushall()
    valkey.command("SET", "left", "behind")
    tests = "import jobs\n\ndef test(teep_redis):\n    jobs.note.perform_async(1)\n"
    done = run(tmp_path, tests, f"--teep-redis-url={valkey.url}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(valkey.command("KEYS", "*")) == [b"queue:default", b"queues"]


_SCOPES = """
import pytest, unittest
from jobs import note, seen

note.perform_async("collection")

@pytest.fixture(scope="session", autouse=True)
def of_the_session():
    note.perform_async("session")

@pytest.fixture(scope="module", autouse=True)
def of_the_module():
    note.perform_async("module")

def test_it_has_jobs_of_its_own():
    assert len(__import__("teep").testing.jobs) == 0

class TestUnittest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        note.perform_async("class")

    def test_nothing(self):
        note.perform_async("test")

@pytest.mark.teep("inline")
class TestMarked:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def of_the_class(cls):
        note.perform_async("marked class")

    def test_the_fixtures_of_a_marked_class_have_its_mode(self):
        assert seen == ["marked class"]
"""


@pytest.mark.slow("a pytest of its own")
def test_fixtures_of_every_scope_and_imports_have_a_mode(tmp_path: Path) -> None:
    # What reaches the Redis of the application, which does not exist, is an error.
    (tmp_path / "pytest.ini").write_text("[pytest]\nteep_mode = fake\n", "utf-8")
    done = run(tmp_path, _SCOPES)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow("a pytest of its own")
def test_a_module_without_the_option_has_the_mode_of_its_marker(tmp_path: Path) -> None:
    marked = _SCOPES.replace('note.perform_async("collection")', 'pytestmark = pytest.mark.teep("fake")')
    unmarked_session = marked.replace('scope="session"', 'scope="module"')
    done = run(tmp_path, unmarked_session)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow("a pytest of its own, with two processes, each of which loads all there is")
def test_processes_of_xdist_have_a_database_each(tmp_path: Path, valkey: Server) -> None:
    valkey.flushall()
    tests = """
import os, pathlib, pytest, time
import jobs, teep

def test(teep_redis):
    # Begins when both processes have one.
    pathlib.Path(os.environ["PYTEST_XDIST_WORKER"]).touch()
    while len(list(pathlib.Path().glob("gw*"))) < 2:
        time.sleep(0.01)
    for number in range(5):
        jobs.note.perform_async(number)
    assert teep.Queue().size() == 5

test_again = test
"""
    done = run(tmp_path, tests, "-n", "2", "--dist", "each", f"--teep-redis-url={valkey.url}")
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    assert "db1" in valkey.command("INFO", "keyspace")


@pytest.mark.parametrize(
    ("url", "third"),
    [
        ("redis://localhost", "redis://localhost/2"),
        ("redis://localhost:6379/", "redis://localhost:6379/2"),
        ("redis://me:p%2Fw@localhost:6379/5?protocol=2", "redis://me:p%2Fw@localhost:6379/7?protocol=2"),
        ("redis://localhost?protocol=2&db=1", "redis://localhost?protocol=2&db=3"),
        ("unix:///tmp/redis.sock", "unix:///tmp/redis.sock?db=2"),
        ("unix:///tmp/redis.sock?db=3", "unix:///tmp/redis.sock?db=5"),
        ("redis+sentinel://a:1,b:2/main/0", "redis+sentinel://a:1,b:2/main/2"),
        ("redis+sentinel://a:1,b:2/main", "redis+sentinel://a:1,b:2/main/2"),
    ],
)
def test_databases_count_on_from_the_one_that_is_named(url: str, third: str) -> None:
    assert own_database(url, "gw0") == url
    assert own_database(url, "gw2") == third


def test_the_plugin_imports_nothing_that_it_may_not_need() -> None:
    program = "import sys, teep.testing.plugin; print([name for name in sys.modules if name in sys.argv])"
    heavy = ["teep.worker.worker", "resource", "click", "rich"]
    done = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow("it runs pytest in a process of its own")
def test_a_mode_that_does_not_exist(tmp_path: Path) -> None:
    marked = [
        f"@pytest.mark.teep({mode})\ndef test_{number}(): ...\n" for number, mode in enumerate(["'unreal'", ""])
    ]
    done = run(tmp_path, "\n".join(["import pytest\n", *marked]))
    assert "there is no teep mode 'unreal'; there are fake, inline and disable" in done.stdout, done.stdout
    assert "there is no teep mode None; there are fake, inline and disable" in done.stdout
    assert "2 errors" in done.stdout
