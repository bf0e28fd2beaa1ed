"""Windows, as far as it can be played elsewhere: without the modules, signals and calls that only unix has.

There the package imports, and the client, the data API and the test kit work; workers run elsewhere.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import Server

# The standard library takes what it needs of these at its own import, so its parts come first. redis-py, which knows
# Windows, comes after.
WITHOUT_UNIX = """
import asyncio, concurrent.futures, getpass, logging.handlers, multiprocessing, shutil, ssl, subprocess, tempfile
import os, select, signal, sys
import pytest

for name in ("fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None

SIGNALS = "SIGABRT SIGFPE SIGILL SIGINT SIGSEGV SIGTERM SIG_DFL SIG_IGN".split()
CALLS = {
    signal: [name for name in vars(signal) if name.startswith("SIG") and name not in SIGNALS]
    + "alarm pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait".split(),
    select: ["poll", "epoll", "kqueue"],
    os: "WNOHANG fork forkpty getegid geteuid getgid getloadavg getpgid getuid killpg mkfifo posix_spawn posix_spawnp"
        " register_at_fork sched_getaffinity setsid uname".split(),
}
for module, names in CALLS.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""

JOBS = """
import teep

@teep.job
def add(number: int) -> None:
    ran.append(number)

@teep.job
async def add_async(number: int) -> None:
    ran.append(number)

ran = []
teep.configure(redis_url=sys.argv[1])
"""

CLIENT = """
jid = add.perform_async(1)
add.perform_in(60, 2)

async def main():
    await add_async.aio.perform_async(3)
    return [job.args async for job in teep.AsyncQueue("default")], (await teep.AsyncStats.fetch()).enqueued

assert asyncio.run(main()) == ([[3], [1]], 2)
assert [job.args for job in teep.Queue("default")] == [[3], [1]]
assert teep.ScheduledSet().size() == 1 and teep.find_job(jid).record.args == [1]
assert list(teep.ProcessSet()) == [] and list(teep.WorkSet()) == []
assert teep.ScheduledSet().retry_all() == 1 and teep.Queue("default").clear()
"""

KIT = """
from teep.testing.worker import InProcessWorker

with teep.testing.fake() as jobs:
    add.perform_async(1)
    assert len(jobs) == 1 and teep.testing.drain() == 1
with teep.testing.inline():
    add_async.perform_async(2)

worker = InProcessWorker(teep.default_config())
add.perform_async(3)
add_async.perform_async(4)
assert worker.drain() == 2 and worker.errors == []
worker.start()
add.perform_async(5)
worker.wait_until(lambda: 5 in ran)
worker.stop()
assert sorted(ran) == [1, 2, 3, 4, 5], ran
"""


def play(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_UNIX + program, *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module", ["teep", "teep.testing.plugin", "teep.testing.worker", "teep.worker", "teep.cli.app"]
)
def test_each_part_imports(module: str) -> None:
    play(f"import {module}")


@pytest.mark.one_server
def test_client_and_data_api_work(server: Server) -> None:
    play(JOBS + CLIENT, server.url)


@pytest.mark.one_server
def test_the_test_kit_works_its_worker_included(server: Server) -> None:
    play(JOBS + KIT, server.url)


def test_the_worker_says_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text("raise AssertionError('imported')")
    imports = "from teep.cli import app; from teep.cli.commands import worker"
    program = f"{imports}; worker.os = type('nt', (), {{'name': 'nt'}}); app.main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "worker", "jobs"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "teep: workers run on Linux and macOS; on Windows use WSL or a container\n"
