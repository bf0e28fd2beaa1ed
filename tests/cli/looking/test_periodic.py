"""`teep periodic` on a real server."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.cli.commands.looking.periodic import PeriodicFlags, periodic
from teep.cli.options import Reaching
from teep.errors import InvalidValue, UnknownEntry
from tests.cli.running import output
from tests.support.servers import Server

pytestmark = pytest.mark.one_server
Run = Callable[..., str]


@pytest.fixture
def entries(server: Server) -> teep.PeriodicSet:
    entries = teep.PeriodicSet(config=teep.Config(redis_url=server.url))
    entries.create("nightly", "0 4 * * *", "SomeJob", 1, tz="Europe/Prague")
    entries.create("often", "@every 10m", "SomeJob")
    entries.pause("often")
    return entries


@pytest.fixture
def run(server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process, and returns what it prints."""
    monkeypatch.setattr(Reaching, "configured", lambda _flags: teep.Config(redis_url=server.url))

    def run(verb: str, *names: str, **flags: Any) -> str:
        periodic(PeriodicFlags(verb=verb, names=names, **flags))
        return capsys.readouterr().out

    return run


def test_it_tells_when_each_runs_next(server: Server, entries: teep.PeriodicSet) -> None:
    shown = output("periodic", TEEP_REDIS_URL=server.url, COLUMNS="200")
    nightly, often = (line for line in shown.splitlines() if "nightly" in line or "often" in line)
    assert "04:00:00 CE" in nightly
    assert "At 04:00 every day (Europe/Prague)" in nightly
    assert "paused" in often
    assert "No worker leads now" in shown


@pytest.mark.usefixtures("entries")
def test_it_tells_if_nobody_fires_them(server: Server, run: Run) -> None:
    assert "No worker leads now" in run("list", "nightly")
    server.command("SET", "teep:leader", "one")
    assert "No worker leads now" not in run("list", "nightly")


@pytest.mark.usefixtures("entries")
def test_as_json(run: Run) -> None:
    one = json.loads(run("list", "nightly", as_json=True))
    assert one.pop("next_at").endswith(("+01:00", "+02:00"))
    assert one == {
        "name": "nightly", "class": "SomeJob", "args": [1], "schedule": "0 4 * * *", "tz": "Europe/Prague",
        "words": "At 04:00 every day (Europe/Prague)", "source": "dynamic", "paused": False, "last_at": None,
    }  # fmt: skip


def test_acting_on_some(run: Run, entries: teep.PeriodicSet) -> None:
    shown = run("run", "nightly", "often")
    assert [line.split(" as ")[0] for line in shown.splitlines()] == ["nightly is pushed", "often is pushed"]
    assert teep.Queue(config=entries.config).size() == 2
    assert run("pause", "nightly", "often").splitlines() == ["nightly is paused", "often is paused already"]
    assert run("unpause", "often") == "often goes on\n"
    assert json.loads(run("delete", "often", as_json=True)) == {"often": True}
    assert [entry.name for entry in entries] == ["nightly"]


def test_one_that_this_machine_cannot_read_hides_no_other(
    server: Server, run: Run, entries: teep.PeriodicSet
) -> None:
    raw: bytes = server.command("HGET", "teep:periodic", "nightly")
    server.command("HSET", "teep:periodic", "nightly", raw.replace(b"Europe/Prague", b"Mars/Base"))
    assert "there is no time zone 'Mars/Base'" in run("list")
    assert {json.loads(line)["name"] for line in run("list", as_json=True).splitlines()} == {"nightly", "often"}


def test_one_that_is_declared_comes_back_if_it_is_deleted(
    server: Server, run: Run, entries: teep.PeriodicSet
) -> None:
    raw: bytes = server.command("HGET", "teep:periodic", "nightly")
    server.command("HSET", "teep:periodic", "nightly", raw.replace(b'"dynamic"', b'"static"'))
    assert run("delete", "nightly", "often").splitlines() == [
        "nightly is deleted; the leader that declares it writes it anew", "often is deleted",
    ]  # fmt: skip


def test_none(run: Run) -> None:
    assert run("list").startswith("There are no periodic jobs yet")
    with pytest.raises(InvalidValue, match="give the names of the periodic jobs to pause"):
        run("pause")
    with pytest.raises(UnknownEntry, match=r"there is no periodic job 'x'$"):
        run("run", "x")


@pytest.mark.parametrize("verb", ["list", "run", "pause", "delete"])
def test_a_name_that_no_entry_has_is_told_with_the_one_that_is_meant(
    run: Run, entries: teep.PeriodicSet, verb: str
) -> None:
    entries.create("jobs.tidy", "@daily", "SomeJob")
    for name, near in (("tidy", "jobs.tidy"), ("nigthly", "nightly")):
        with pytest.raises(UnknownEntry, match=f"there is no periodic job '{name}'; did you mean '{near}'\\?"):
            run(verb, "often", name)
    assert entries.size() == 3
    assert teep.Queue(config=entries.config).size() == 0


@pytest.mark.parametrize(
    ("age", "words"), [(7, "7 s ago"), (600, "10 min ago"), (7300, "2 h ago"), (90_000, "1 d ago")]
)
def test_it_tells_how_long_ago_the_last_tick_was(
    server: Server, run: Run, entries: teep.PeriodicSet, age: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries.create("often", "* * * * * *", "SomeJob")
    assert "never" in run("list", "often")
    server.command("HSET", "teep:periodic:last", "often", 1_780_000_000)
    monkeypatch.setattr("teep.cli.showing.spans.time.time", lambda: 1_780_000_000.5 + age)
    assert words in run("list", "often")
