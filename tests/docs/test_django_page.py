"""docs/django.md from an empty folder: its files are written and its commands run, in the order of the page."""

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

PAGE = Path(__file__).parents[2] / "docs" / "django.md"
STEP = re.compile(r"(?:<!-- (?P<how>file|append): (?P<name>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


@pytest.mark.slow("seven commands of a new project, each an interpreter that imports Django", seconds=20)
def test_the_first_project_works_as_written(valkey: Server, tmp_path: Path) -> None:
    valkey.flushall()
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"REDIS_URL": valkey.url, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    said = []
    for step in STEP.finditer(PAGE.read_text("utf-8")):
        if step["how"]:
            with (tmp_path / step["name"]).open("a" if step["how"] == "append" else "w", encoding="utf-8") as file:
                file.write(step["text"])
            continue
        for line in step["text"].splitlines():
            if line.startswith("pip "):
                continue
            command = shlex.split(line)
            if command[-1] == "worker":
                said.append(_work(command, tmp_path, environment, valkey))
            else:
                done = subprocess.run(
                    command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
                )
                assert done.returncode == 0, (line, done.stderr)
                said.append(done.stdout)
    *_, response, stats, log, page = said
    assert "{'order': 1, 'jid': '" in response
    assert re.search(r"enqueued\s+1\b", stats), stats
    assert page.split()[-1] == "/admin/login/?next=/jobs/"
    assert "1 job of shop.jobs" in log
    assert "runs default, orders with concurrency 5" in log
    check = "from shop.models import Order; print(Order.objects.get().shipped)"
    shipped = [sys.executable, "manage.py", "shell", "-v", "0", "-c", check]
    assert subprocess.check_output(shipped, cwd=tmp_path, env=environment, text=True).strip() == "True"


def _work(command: list[str], folder: Path, environment: dict[str, str], valkey: Server) -> str:
    """Run the worker until it has run the job, then end it as Ctrl-C does; return its log."""
    # Its Redis it finds as a reader's does, by the variable.
    with WorkerProcess(
        redis_url="",
        environment=environment,
        folder=folder,
        command=("env", "-u", "DJANGO_SETTINGS_MODULE", *command),
    ) as worker:
        wait_until(lambda: valkey.command("GET", "stat:processed") == b"1", 30, lambda: f"the job:\n{worker.log}")
        worker.signal(signal.SIGINT)
        assert worker.wait() == 0
    return worker.log
