"""The walk at 3 am, from the shell alone: the lines of docs/cli.md, one after the other, as they stand there."""

import re
import shlex
import time
from pathlib import Path

import pytest

import teep
from tests.cli.running import ROOT
from tests.cli.running import teep as run
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

PAGE = ROOT / "docs" / "cli.md"
WALK = re.findall(r"```sh\n(teep errors .*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]


@pytest.fixture
def fleet(valkey: Server) -> Fleet:
    """A bad night: a queue full of one class, its retries, other failures among them, and a job that does not end."""
    valkey.flushall()
    fleet = Fleet(valkey)
    client = teep.Client(fleet.config)
    client.push_bulk({"class": "opsjobs.resize", "args": [[n] for n in range(500)], "queue": "default"})
    client.push({"class": "opsjobs.mail", "args": [1], "queue": "default"})
    retries, now = teep.RetrySet(config=fleet.config), time.time()
    for number in range(40):
        failed = {"error_class": "ConnectionError", "error_message": f"refused by 10.0.0.{number}", "failed_at": now}
        job = {"class": "opsjobs.resize", "args": [number], "jid": f"resize{number}", "queue": "default"}
        retries.schedule(now + 600, job | failed | {"retry_count": 1})
    failed = {"error_class": "KeyError", "error_message": "'id'", "failed_at": now, "retry_count": 0}
    mail = {"class": "opsjobs.mail", "args": [4242], "jid": "mail4242", "queue": "default"}
    retries.schedule(now + 60, mail | failed)
    return fleet


@pytest.mark.slow("fourteen commands and a worker")
def test_the_walk(fleet: Fleet) -> None:
    with fleet:
        fleet.spawn("-q", "long", environment={"TEEP_HEARTBEAT_INTERVAL": "0.5"})
        running = fleet.push("tell_of_cancel", queue="long")
        wait_until(lambda: teep.WorkSet(config=fleet.config).find_work(running) is not None, SOON, "the running job")
        said = {}
        for line in WALK.splitlines():
            words = [{"JID": "mail4242", "jid:JID": "jid:mail4242", "RUNNING": running}.get(word, word)
                     for word in shlex.split(line, comments=True)]  # fmt: skip
            done = run(*words[1:], REDIS_URL=fleet.server.url)
            assert (done.returncode, done.stderr) == (0, ""), line
            said[" ".join(shlex.split(line, comments=True)[1:])] = done.stdout
        fleet.server.command("PING")
        wait_until(lambda: fleet.noted("stopped"), SOON, "the cancelled job to end")
    check(said)
    config = fleet.config
    assert [(job.klass, job.args) for job in teep.Queue(config=config)] == [
        ("opsjobs.mail", [4243]), ("opsjobs.mail", [1]),
    ]  # fmt: skip
    assert (teep.RetrySet(config=config).size(), teep.DeadSet(config=config).size()) == (0, 40)
    assert not teep.Queue(config=config).paused


def check(said: dict[str, str]) -> None:
    """Compare what each line told."""
    told = iter(said.items())

    def shows(line: str, *parts: str) -> None:
        command, text = next(told)
        assert command.startswith(line)
        assert [part for part in parts if part not in text] == [], text

    shows("errors", "40", "opsjobs.resize", "ConnectionError: refused by #.#.#.#", "KeyError: 'id'")
    shows("queues default", "holds 501 jobs", "500", "100%")
    shows("pause", "default is paused: 501 jobs")
    shows("jobs default class:resize --count", "500\n")
    shows("delete", "Would delete 500 jobs of queue default that match class:resize.")
    shows("kill", "Moved 40 jobs of retries")
    shows("delete", "Deleted 500 jobs of queue default that match class:resize.")
    shows("jobs retries args:4242", "mail4242", "opsjobs.mail", "KeyError: 'id'")
    shows("job JID", "retries, next try", "KeyError", "4242")
    shows("job JID --edit", "Changed args of mail4242, which is retrying.")
    shows("retry", "Sent 1 job of retries that match jid:mail4242")
    shows("processes", "1 of 10", "tell_of_cancel", " s ")
    shows("cancel", "runs; its process was told to end it")
    shows("unpause", "default goes on")
    assert list(told) == []


def test_the_page_begins_with_it() -> None:
    text = Path(PAGE).read_text("utf-8")
    assert text.index(WALK) < text.index("\n## ", text.index("\n## ") + 1)
