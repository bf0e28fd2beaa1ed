"""`teep periodic` on a real server."""

import json

import pytest

import teep
from tests.support.servers import Server

from .running import output
from .running import teep as run_teep

pytestmark = pytest.mark.one_server


@pytest.fixture
def entries(server: Server) -> teep.PeriodicSet:
    entries = teep.PeriodicSet(config=teep.Config(redis_url=server.url))
    entries.create("nightly", "0 4 * * *", "SomeJob", 1, tz="Europe/Prague")
    entries.create("often", "@every 10m", "SomeJob")
    entries.pause("often")
    return entries


def test_it_tells_when_each_runs_next(server: Server, entries: teep.PeriodicSet) -> None:
    shown = output("periodic", TEEP_REDIS_URL=server.url, COLUMNS="200")
    nightly, often = (line for line in shown.splitlines() if "nightly" in line or "often" in line)
    assert "04:00:00 CE" in nightly
    assert "At 04:00 every day (Europe/Prague)" in nightly
    assert "paused" in often
    assert "No worker leads now" in shown
    server.command("SET", "teep:leader", "one")
    assert "No worker leads now" not in output("periodic", "list", "nightly", TEEP_REDIS_URL=server.url)


def test_as_json(server: Server, entries: teep.PeriodicSet) -> None:
    (one,) = json.loads(output("periodic", "list", "nightly", "--json", TEEP_REDIS_URL=server.url))
    assert one.pop("next_at").endswith(("+01:00", "+02:00"))
    assert one == {
        "name": "nightly", "class": "SomeJob", "args": [1], "schedule": "0 4 * * *", "tz": "Europe/Prague",
        "words": "At 04:00 every day (Europe/Prague)", "source": "dynamic", "paused": False, "last_at": None,
    }  # fmt: skip


def test_acting_on_some(server: Server, entries: teep.PeriodicSet) -> None:
    run = output("periodic", "run", "nightly", "often", TEEP_REDIS_URL=server.url)
    assert [line.split(" as ")[0] for line in run.splitlines()] == ["nightly is pushed", "often is pushed"]
    assert teep.Queue(config=entries.config).size() == 2
    assert output("periodic", "pause", "nightly", "often", TEEP_REDIS_URL=server.url).splitlines() == [
        "nightly is paused",
        "often is paused already",
    ]
    assert output("periodic", "unpause", "often", TEEP_REDIS_URL=server.url) == "often goes on\n"
    assert json.loads(output("periodic", "delete", "often", "--json", TEEP_REDIS_URL=server.url)) == {"often": True}
    assert [entry.name for entry in entries] == ["nightly"]


def test_none(server: Server) -> None:
    assert output("periodic", TEEP_REDIS_URL=server.url).startswith("There are no periodic jobs")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["pause"], "give the names of the periodic jobs to pause"), (["run", "x"], "there is no periodic job 'x'")],
)
def test_what_there_is_not(server: Server, words: list[str], sentence: str) -> None:
    done = run_teep("periodic", *words, TEEP_REDIS_URL=server.url)
    assert (done.returncode, sentence in done.stderr) == (1, True)
