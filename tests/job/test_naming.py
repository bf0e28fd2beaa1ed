"""A job's name is the same in the program that pushes it, run as a script, and in the worker that imports it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import teep
from tests.support import forkserver
from tests.support.servers import Server
from tests.support.waiting import wait_until

_APP = """
import os
import teep
import redis

@teep.job
def greet(name):
    redis.Redis.from_url(os.environ["REDIS_URL"]).rpush("greeted", name)

class Wave(teep.Job):
    def perform(self, name):
        redis.Redis.from_url(os.environ["REDIS_URL"]).rpush("greeted", name + " waved")

if __name__ == "__main__":
    greet.perform_async("x")
    Wave.perform_async("y")
"""

_SOURCE = str(Path(teep.__file__).parents[1])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a module `tasks` and a package `shop` with the same module in it."""
    (tmp_path / "tasks.py").write_text(_APP)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "tasks.py").write_text(_APP)
    (tmp_path / "shop" / "__main__.py").write_text("from shop import tasks\n" + _APP)
    return tmp_path


def environment(server: Server) -> dict[str, str]:
    return os.environ | {"REDIS_URL": server.url, "PYTHONPATH": _SOURCE}


def play(server: Server, app: Path, *command: str) -> None:
    forkserver.run([sys.executable, *command], app, environment(server)).check_returncode()


@pytest.mark.parametrize(
    ("command", "module"),
    [
        (["tasks.py"], "tasks"),
        (["-m", "tasks"], "tasks"),
        (["-m", "shop.tasks"], "shop.tasks"),
        (["-m", "shop"], "shop"),
    ],
)
def test_a_script_pushes_under_its_modules_name(server: Server, app: Path, command: list[str], module: str) -> None:
    play(server, app, *command)
    queue = teep.Queue(config=teep.Config(redis_url=server.url))
    assert [job.klass for job in queue] == [f"{module}.Wave", f"{module}.greet"]


@pytest.mark.parametrize(("command", "module"), [(["tasks.py"], "tasks"), (["-m", "shop.tasks"], "shop.tasks")])
def test_a_worker_that_imports_the_module_runs_it(server: Server, app: Path, command: list[str], module: str) -> None:
    play(server, app, *command)
    with forkserver.QuickWorker(
        module, "-c", "1", redis_url=server.url, folder=app, environment=environment(server)
    ) as worker:
        wait_until(lambda: server.command("LLEN", "greeted") == 2, 30, lambda: f"both jobs to run:\n{worker.log}")
    assert sorted(server.command("LRANGE", "greeted", 0, -1)) == [b"x", b"y waved"]
    assert worker.returncode == 0


def test_a_process_that_a_script_spawns_pushes_under_the_same_name(server: Server, app: Path) -> None:
    script = _APP.replace("    greet.", "    import multiprocessing\n    greet.").replace(
        'Wave.perform_async("y")',
        'child = multiprocessing.get_context("spawn").Process(target=Wave.perform_async, args=("y",))\n'
        "    child.start()\n    child.join()",
    )
    (app / "tasks.py").write_text(script)
    subprocess.run([sys.executable, "tasks.py"], cwd=app, env=environment(server), check=True, timeout=30)
    queue = teep.Queue(config=teep.Config(redis_url=server.url))
    assert [job.klass for job in queue] == ["tasks.Wave", "tasks.greet"]


_SESSION = """
import teep
@teep.job
def typed(): print("ran")
@teep.job(name="shop.typed")
def named(): ...
typed.perform_inline()
with teep.testing.fake():
    typed.perform_async()
print("pushes", flush=True)
for _ in range(2):
    typed.perform_async(), typed.perform_bulk([[]]), named.perform_async()
"""


def test_a_session_is_told_that_no_other_process_can_run_its_jobs(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-u", "-"], input=_SESSION, env=environment(server), check=False, timeout=30,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    before, pushed = done.stdout.split("pushes\n")
    assert before == "ran\n"
    assert pushed.count("__main__.typed was typed into this session, so only a worker in this very process") == 1
    assert "shop.typed" not in pushed
    assert [job.klass for job in teep.Queue(config=teep.Config(redis_url=server.url))].count("__main__.typed") == 4
