"""A worker that starts before its Redis waits for it; what waiting does not help ends it, with a sentence."""

import os
import signal
import sys
from pathlib import Path

import pytest

from teep.testing import process as own
from tests.conftest import ServerFactory
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, WorkerProcess

ROOT = Path(__file__).parents[3]


@pytest.mark.slow("two tries to reach Redis are a second apart")
def test_a_worker_waits_for_its_redis_and_says_so_once(fresh_server: ServerFactory) -> None:
    server = fresh_server("redis")
    server.stop()
    worker = WorkerProcess(server.url, [])
    try:
        wait_until(lambda: "the worker starts as soon as Redis is there" in worker.log, SOON, lambda: worker.log)
        server.start()
        wait_until(lambda: "Redis is there after" in worker.log, SOON, lambda: worker.log)
        wait_until(lambda: server.command("SCARD", "processes"), SOON, lambda: worker.log)
        assert worker.log.count("no connection to Redis") == 1
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
    finally:
        worker.kill()


def test_a_signal_ends_the_wait() -> None:
    worker = WorkerProcess(f"redis://127.0.0.1:{free_port()}/0", [])
    try:
        wait_until(lambda: "the worker starts as soon as" in worker.log, SOON, lambda: worker.log)
        worker.signal(signal.SIGINT)
        assert worker.wait() == 0
        assert "Traceback" not in worker.log
    finally:
        worker.kill()


def test_the_watchdog_limits_the_wait() -> None:
    worker = WorkerProcess(f"redis://127.0.0.1:{free_port()}/0", ["--watchdog", "0.1"])
    try:
        assert worker.wait() == 1
        assert "teep: no connection to Redis" in worker.log.splitlines()[-1]
    finally:
        worker.kill()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://127.0.0.1:{port}/99", "teep: Redis has no database 99 "),
        ("redis://:gu3ss@127.0.0.1:{port}/0", "teep: Redis did not accept the user name or password"),
        ("redis://no-such-host.invalid/0", "teep: no connection to Redis, and the Redis URL seems wrong"),
        ("redis://127.0.0.1:{port}/abc", "teep: the Redis URL cannot be read: its database must be a number"),
    ],
)
def test_what_waiting_does_not_help_ends_it_at_once(fresh_server: ServerFactory, url: str, sentence: str) -> None:
    server = fresh_server("redis")
    worker = WorkerProcess(url.format(port=server.port), [])
    try:
        assert worker.wait() == 1
        assert worker.log.splitlines()[-1].startswith(sentence)
        assert "Traceback" not in worker.log
        assert "gu3ss" not in worker.log
    finally:
        worker.kill()


def test_a_node_of_a_cluster_is_told(fresh_server: ServerFactory) -> None:
    server = fresh_server("redis", options=["--cluster-enabled", "yes", "--cluster-port", str(free_port())])
    worker = WorkerProcess(server.url, [])
    try:
        assert worker.wait() == 1
        assert "teep: Redis Cluster is not supported" in worker.log.splitlines()[-1]
    finally:
        worker.kill()


def test_a_worker_needs_neither_a_working_folder_nor_a_home(fresh_server: ServerFactory, tmp_path: Path) -> None:
    server = fresh_server("redis")
    (tmp_path / "gone").mkdir()
    code = "import os; os.chdir('gone'); os.rmdir('../gone'); from teep.cli import main; main()"
    with own.WorkerProcess(
        "tests.worker.jobs",
        redis_url=server.url,
        environment={"REDIS_URL": server.url, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
        folder=tmp_path,
        command=("env", "-u", "HOME", sys.executable, "-P", "-c", code, "worker"),
    ) as worker:
        pass
    assert "Traceback" not in worker.log
    assert worker.returncode == 0
