"""teep in a Flask app: the context of jobs, settings, commands; and the page for it, as a reader walks it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from flask import Flask, current_app, g

import teep
from teep.config import default_config, isolated
from teep.errors import ConfigurationError
from teep.integrations.flask import Teep
from teep.testing.process import WorkerProcess
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

PAGE = Path(__file__).parents[2] / "docs" / "flask.md"
BLOCK = re.compile(r"(?:<!-- file: (?P<name>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    with isolated():
        yield


def make_app(fleet: Fleet, **settings: object) -> Flask:
    app = Flask("shop")
    app.config.update({"TEEP_REDIS_URL": fleet.server.url, "GREETING": "Ahoj", **settings})
    return app


def test_jobs_run_in_the_context_of_the_app_and_each_in_its_own(fleet: Fleet) -> None:
    said: SimpleQueue[str] = SimpleQueue()
    app = make_app(fleet, TEEP_CONCURRENCY=1)
    Teep(app)
    app.teardown_appcontext(lambda error: said.put(f"teardown {error!r}"))

    @teep.job(name="welcome", retry=0)
    def welcome(user: int) -> None:
        said.put(f"{current_app.config['GREETING']} {user} {g.get('user')}")
        g.user = user

    @teep.job(name="awelcome")
    async def awelcome(user: int) -> None:
        said.put(f"async {current_app.config['GREETING']} {user} {g.get('user')}")

    @teep.job(name="fails", retry=0)
    def fails() -> None:
        raise ValueError(current_app.name)

    config = default_config()
    assert (config.concurrency, config.redis_url) == (1, fleet.server.url)
    welcome.perform_async(1)
    welcome.perform_async(2)
    awelcome.perform_async(3)
    fails.perform_async()
    fleet.start(config)
    heard = [said.get(timeout=SOON) for _ in range(7)]
    assert heard[:2] == ["Ahoj 1 None", "teardown None"]
    assert sorted(heard) == sorted([
        "Ahoj 1 None", "Ahoj 2 None", "async Ahoj 3 None", *["teardown None"] * 3, "teardown ValueError('shop')",
    ])  # fmt: skip


def test_an_inline_job_has_the_context_of_its_caller(fleet: Fleet) -> None:
    app = make_app(fleet)
    Teep(app)

    @teep.job(name="name")
    def name() -> str:
        return current_app.name

    with app.app_context():
        assert name.perform_inline() == "shop"
    with pytest.raises(RuntimeError, match="application context"):
        name.perform_inline()


def test_an_app_may_be_made_later_and_twice_but_there_is_one(fleet: Fleet) -> None:
    extension, app = Teep(), make_app(fleet)
    extension.init_app(app)
    extension.init_app(app)
    assert app.extensions["teep"] is extension
    assert len(default_config().server_middleware) == 1
    with pytest.raises(ConfigurationError, match="in the context of the app 'shop' already"):
        Teep(Flask("other"))


def test_a_setting_that_is_no_option_is_refused(fleet: Fleet) -> None:
    with pytest.raises(ConfigurationError, match=r"concurency.*concurrency"):
        Teep(make_app(fleet, TEEP_CONCURENCY=3))


@pytest.mark.slow("three commands that import Flask, one of them a worker")
def test_the_page_works_as_written(valkey: Server, tmp_path: Path) -> None:
    valkey.flushall()
    environment = os.environ | {
        "REDIS_URL": valkey.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    said = []
    for block in BLOCK.finditer(PAGE.read_text("utf-8")):
        if block["name"]:
            (tmp_path / block["name"]).write_text(block["text"], "utf-8")
            continue
        for line in block["text"].splitlines():
            if "worker" in line:
                said.append(_work(line, tmp_path, environment, valkey))
                continue
            done = subprocess.run(
                line,
                shell=True,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (line, done.stderr)
            said.append(done.stdout)
    pushed, stats, log = said
    assert re.match(r"\{'jid': '[0-9a-f]{24}'\}", pushed)
    assert re.search(r"enqueued\s+1\b", stats)
    assert "Ahoj, 42" in log
    assert "concurrency 5" in log


def _work(line: str, folder: Path, environment: dict[str, str], valkey: Server) -> str:
    with WorkerProcess(redis_url="", environment=environment, folder=folder, command=tuple(line.split())) as worker:
        wait_until(lambda: valkey.command("GET", "stat:processed") == b"1", 30, lambda: f"the job:\n{worker.log}")
        worker.signal(signal.SIGINT)
        assert worker.wait() == 0
    return worker.log
