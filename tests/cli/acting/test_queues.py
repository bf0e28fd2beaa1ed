"""`teep pause`, `unpause` and `cancel`."""

import pytest

import teep
from teep.cli.endings import NOTHING, USAGE
from tests.cli.running import output, printed
from tests.cli.running import teep as run
from tests.support.servers import Server

pytestmark = pytest.mark.one_server


@pytest.fixture
def low(server: Server, configured: teep.Config) -> teep.Queue:
    for number in range(1_500):
        server.command("LPUSH", "queue:low", f'{{"class":"A","args":[{number}],"jid":"jid{number}"}}')
    server.command("SADD", "queues", "low", "high")
    return teep.Queue("low", config=configured)


def test_queues_are_paused_and_go_on(low: teep.Queue, server: Server) -> None:
    assert output("pause", "low", REDIS_URL=server.url) == "low is paused: 1,500 jobs wait in it.\n"
    assert low.paused
    assert output("pause", "low", REDIS_URL=server.url) == "low is paused already: 1,500 jobs wait in it.\n"
    assert printed("unpause", "--all", REDIS_URL=server.url) == [
        {"queue": "high", "paused": False, "changed": False, "size": 0},
        {"queue": "low", "paused": False, "changed": True, "size": 1_500},
    ]
    assert not low.paused


@pytest.mark.usefixtures("low")
def test_a_queue_that_is_not_there_pauses_none(server: Server) -> None:
    done = run("pause", "low", "hihg", REDIS_URL=server.url)
    assert (done.returncode, done.stderr) == (NOTHING, "There is no queue hihg; did you mean high?\n")
    assert server.command("SMEMBERS", "paused") == set()
    for words in ((), ("low", "--all")):
        assert run("pause", *words, REDIS_URL=server.url).returncode == USAGE


def test_a_paused_queue_that_was_emptied_goes_on(server: Server) -> None:
    server.command("SADD", "paused", "gone")
    assert output("unpause", "gone", REDIS_URL=server.url) == "gone goes on: 0 jobs wait in it.\n"


def test_jobs_are_cancelled(low: teep.Queue, server: Server) -> None:
    said = output("cancel", "jid7", "nowhere", REDIS_URL=server.url)
    assert said == (
        "jid7 waited in its queue, and is removed.\nnowhere is not there: it is over, dead, or was never pushed.\n"
    )
    assert low.size() == 1_499
    assert printed("cancel", "jid8", REDIS_URL=server.url) == [{"jid": "jid8", "was": "queued"}]
    assert run("cancel", "jid8", REDIS_URL=server.url).returncode == NOTHING
