"""The pages on Django from an empty folder: files are written and commands run, in the order of the page."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from teep.testing.process import WorkerProcess
from tests.support.servers import Server
from tests.support.waiting import wait_until

DOCS = Path(__file__).parents[2] / "docs"
STEP = re.compile(r"(?:<!-- (?P<how>file|append): (?P<name>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


def walked(page: str, folder: Path, environment: dict[str, str], valkey: Server, jobs: int) -> list[str]:
    """Write the files of a page and run its commands; returns the output of each. A worker ends after some jobs."""
    said = []
    for step in STEP.finditer((DOCS / page).read_text("utf-8")):
        if step["how"]:
            with (folder / step["name"]).open("a" if step["how"] == "append" else "w", encoding="utf-8") as file:
                file.write(step["text"])
            continue
        for line in step["text"].splitlines():
            if line.startswith("pip "):
                continue
            command = shlex.split(line)
            if "worker" in command:
                said.append(_work(command, folder, environment, valkey, jobs))
            else:
                done = subprocess.run(
                    command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
                )
                assert done.returncode == 0, (line, done.stderr)
                said.append(done.stdout)
    return said


@pytest.fixture
def environment(valkey: Server) -> dict[str, str]:
    """A reader's variables, with an empty Redis."""
    valkey.flushall()
    own = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return own | {"REDIS_URL": valkey.url, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.mark.slow("six commands, each an interpreter that imports Django", seconds=10)
def test_the_first_tasks_run_as_written(valkey: Server, tmp_path: Path, environment: dict[str, str]) -> None:
    *_, enqueued, log, looked = walked("django-tasks.md", tmp_path, environment, valkey, 3)
    assert re.match(r"[0-9a-f]{24} READY\n", enqueued)
    assert "state=SUCCESSFUL" in log
    assert looked == "SUCCESSFUL 1 shipped 42\nSUCCESSFUL 1 shipped 7\n"


@pytest.mark.slow("seven commands of a new project, each an interpreter that imports Django", seconds=20)
def test_the_first_project_works_as_written(valkey: Server, tmp_path: Path, environment: dict[str, str]) -> None:
    said = walked("django.md", tmp_path, environment, valkey, 1)
    *_, response, stats, log, page = said
    assert "{'order': 1, 'jid': '" in response
    assert re.search(r"enqueued\s+1\b", stats), stats
    assert page.split()[-1] == "/admin/login/?next=/jobs/"
    assert "1 job of shop.jobs" in log
    assert "runs default, orders with concurrency 5" in log
    check = "from shop.models import Order; print(Order.objects.get().shipped)"
    shipped = [sys.executable, "manage.py", "shell", "-v", "0", "-c", check]
    assert subprocess.check_output(shipped, cwd=tmp_path, env=environment, text=True).strip() == "True"


def _work(command: list[str], folder: Path, environment: dict[str, str], valkey: Server, jobs: int) -> str:
    """Run the worker until it has run the jobs, then end it as Ctrl-C does; return its log."""
    # Its Redis it finds as a reader's does, by the variable.
    with WorkerProcess(
        redis_url="",
        environment=environment,
        folder=folder,
        command=("env", "-u", "DJANGO_SETTINGS_MODULE", *command),
    ) as worker:
        wait_until(
            lambda: int(valkey.command("GET", "stat:processed") or 0) == jobs, 30, lambda: f"the jobs:\n{worker.log}"
        )
        worker.signal(signal.SIGINT)
        assert worker.wait() == 0
    return worker.log
