"""`teep retry`, `kill`, `delete` and `move`: what they do, what they ask, and where they stop."""

import json
import os
import signal
from collections.abc import Callable

import pytest

import teep
from teep.cli.commands.acting import jobs as verbs
from teep.cli.commands.acting.jobs import MoveFlags
from teep.cli.endings import DONE, NOTHING, STOPPED
from teep.cli.selecting.chosen import Chosen
from teep.cli.selecting.flags import Acting
from teep.cli.showing.progress import Stoppable
from teep.errors import InvalidValue
from tests.cli.running import on_terminal, sentence
from tests.cli.running import teep as run
from tests.support.servers import Server

pytestmark = pytest.mark.one_server
Said = Callable[[], tuple[str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What was printed since the last call, on standard output and on standard error."""

    def said() -> tuple[str, str]:
        out, err = capsys.readouterr()
        return out, err

    return said


def fill(config: teep.Config, count: int = 3) -> None:
    """Put jobs of two classes into the retry set."""
    for number in range(count):
        klass = "Odd" if number % 2 else "Even"
        job = {"class": klass, "args": [number], "jid": f"jid{number}", "queue": "low"}
        teep.RetrySet(config=config).schedule(2e9 + number, job)


def test_retry_sends_them_back(configured: teep.Config, said: Said) -> None:
    fill(configured)
    assert verbs.retry(Acting(words=("retries", "class:Even"), yes=True)) == DONE
    assert said() == ("Sent 2 jobs of retries that match class:Even back to their queues.\n", "")
    assert teep.Queue("low", config=configured).size() == 2
    assert teep.RetrySet(config=configured).size() == 1


def test_a_scheduled_job_has_no_try_to_take_back(configured: teep.Config) -> None:
    job = {"class": "A", "args": [], "jid": "a", "queue": "low", "retry_count": 3}
    for jobs in (teep.ScheduledSet(config=configured), teep.RetrySet(config=configured)):
        jobs.schedule(2e9, job)
    verbs.retry(Acting(words=("scheduled",), all=True, yes=True))
    verbs.retry(Acting(words=("retries",), all=True, yes=True))
    assert [job["retry_count"] for job in teep.Queue("low", config=configured)] == [2, 3]


def test_kill_delete_and_move(configured: teep.Config, said: Said) -> None:
    fill(configured, 6)
    assert verbs.kill(Acting(words=("retries",), klass="Odd", limit=1, yes=True)) == DONE
    assert [entry.jid for entry in teep.DeadSet(config=configured)] == ["jid1"]
    assert verbs.delete(Acting(words=("retries", "class:Odd"), yes=True)) == DONE
    assert verbs.move(MoveFlags(words=("retries", "jid:jid0"), to="{high}", yes=True)) == DONE
    assert said()[0].splitlines() == [
        "Moved 1 job of retries that match class:Odd to the dead set.",
        "Deleted 2 jobs of retries that match class:Odd.",
        "Moved 1 job of retries that match jid:jid0 to queue {high}.",
    ]
    assert [job.jid for job in teep.Queue("{high}", config=configured)] == ["jid0"]
    assert sorted(entry.jid for entry in teep.RetrySet(config=configured)) == ["jid2", "jid4"]


def test_a_dry_run_only_counts(configured: teep.Config, server: Server, said: Said) -> None:
    fill(configured)
    before = server.everything()
    for verb in (verbs.retry, verbs.kill, verbs.delete):
        assert verb(Acting(words=("retries", "class:Even"), dry_run=True)) == DONE
    assert verbs.move(MoveFlags(words=("retries", "class:Even"), to="x", dry_run=True)) == DONE
    assert [line.split(" of ")[0] for line in said()[0].splitlines()] == [
        "Would send 2 jobs", "Would move 2 jobs", "Would delete 2 jobs", "Would move 2 jobs",
    ]  # fmt: skip
    assert server.everything() == before


def test_nothing_that_matches_is_an_exit_code(configured: teep.Config, said: Said) -> None:
    fill(configured)
    for flags in (Acting(words=("retries", "class:X"), yes=True), Acting(words=("retries", "class:X"), dry_run=True)):
        assert verbs.delete(flags) == NOTHING
        assert said() == ("", "There are no jobs of retries that match class:X.\n")


def test_as_json(configured: teep.Config, said: Said) -> None:
    fill(configured)
    told = {"verb": "delete", "of": "retries", "filter": "class:Even", "dry_run": True, "stopped": False}
    verbs.delete(Acting(words=("retries", "class:Even"), dry_run=True, as_json=True))
    assert json.loads(said()[0]) == told | {"jobs": 2}
    verbs.delete(Acting(words=("retries", "class:Even"), yes=True, as_json=True))
    assert json.loads(said()[0]) == told | {"jobs": 2, "dry_run": False}
    assert verbs.delete(Acting(words=("queue:x", "class:Even"), yes=True, as_json=True)) == NOTHING
    assert json.loads(said()[0]) == told | {"jobs": 0, "dry_run": False, "of": "queue:x"}


@pytest.mark.parametrize(
    ("verb", "flags", "problem"),
    [
        ("delete", Acting(words=("retries",), yes=True), "would delete all 3 jobs of retries; give a filter"),
        ("delete", Acting(words=("retries", "class:A")), "nobody can be asked here; give --yes to delete"),
        ("retry", Acting(words=("queue:low", "class:A"), yes=True), "jobs in a queue wait to run already"),
        ("kill", Acting(words=("dead", "class:A"), dry_run=True), "jobs of dead are dead already"),
        ("move", MoveFlags(words=("retries", "class:A"), to=" ", yes=True), "give the name of a queue"),
    ],
)  # fmt: skip
def test_what_is_not_meant_is_refused(configured: teep.Config, verb: str, flags: Acting, problem: str) -> None:
    fill(configured)
    with pytest.raises(InvalidValue, match=problem):
        getattr(verbs, verb)(flags)
    assert teep.RetrySet(config=configured).size() == 3


@pytest.mark.parametrize(("answer", "left"), [("\n", 3), ("n\n", 3), ("y\n", 1)])
def test_on_a_terminal_it_asks_and_no_is_the_default(
    configured: teep.Config, server: Server, answer: str, left: int
) -> None:
    fill(configured)
    code, screen = on_terminal("delete", "retries", "class:Even", answer=answer, REDIS_URL=server.url)
    assert "Delete 2 jobs of retries that match class:Even for good? [y/N]" in screen
    assert teep.RetrySet(config=configured).size() == left
    assert (code, ("Aborted" in screen, "Deleted 2 jobs" in screen)) == (int(left == 3), (left == 3, left == 1))


def test_on_a_terminal_nothing_is_asked_about_no_jobs_or_with_yes(configured: teep.Config, server: Server) -> None:
    fill(configured)
    assert on_terminal("delete", "retries", "class:X", REDIS_URL=server.url) == (
        1, "There are no jobs of retries that match class:X.\r\n",
    )  # fmt: skip
    code, screen = on_terminal("delete", "retries", "class:Odd", "--yes", REDIS_URL=server.url)
    assert (code, "y/N" in screen, "Deleted 1 job of retries" in screen) == (0, False, True)


def test_with_yes_the_jobs_are_walked_through_once(configured: teep.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(configured)
    counted: list[object] = []
    monkeypatch.setattr(Chosen, "count", counted.append)
    assert verbs.delete(Acting(words=("retries", "class:Odd"), yes=True)) == DONE
    assert counted == []


def stop_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C come after the first step."""
    told, steps = Stoppable.told, iter([signal.SIGINT])

    def stopping(work: Stoppable, looked_at: int, out_of: int) -> bool:
        for number in steps:
            os.kill(os.getpid(), number)
        return told(work, looked_at, out_of)

    monkeypatch.setattr(Stoppable, "told", stopping)


@pytest.mark.parametrize("place", ["retries", "queue:low"])
def test_ctrl_c_stops_it_between_two_steps_and_it_says_where(
    configured: teep.Config, server: Server, said: Said, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    raws = [f'{{"class":"A","args":[{number}],"jid":"{number}","queue":"low"}}' for number in range(5_000)]
    server.command("ZADD", "retry", *(part for number, raw in enumerate(raws) for part in (number, raw)))
    server.command("LPUSH", "queue:low", *raws)
    server.command("SADD", "queues", "low")
    stop_at_first(monkeypatch)
    assert verbs.delete(Acting(words=(place, "class:A"), yes=True, as_json=True)) == STOPPED
    printed, complaint = said()
    told = json.loads(printed)
    jobs = teep.RetrySet(config=configured) if place == "retries" else teep.Queue("low", config=configured)
    left = jobs.size()
    assert (told["stopped"], told["jobs"]) == (True, 5_000 - left)
    assert 0 < left < 5_000
    assert f"Stopped half way, after {told['jobs']:,} of 5,000 jobs. Deleted {told['jobs']:,} jobs of" in complaint
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_after_the_last_step_comes_too_late(configured: teep.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(configured)
    stop_at_first(monkeypatch)
    assert verbs.delete(Acting(words=("retries", "class:Odd"), yes=True)) == DONE


def test_what_redis_refuses_half_way_is_told(configured: teep.Config, server: Server, said: Said) -> None:
    fill(configured, 4)
    server.command("SET", "queue:low", "of another program")
    teep.RetrySet(config=configured).schedule(1.0, {"class": "Even", "args": [], "jid": "x", "queue": "high"})
    assert verbs.retry(Acting(words=("retries", "class:Even"), yes=True)) == STOPPED
    assert said()[1].startswith("Stopped half way, after 5 of 5 jobs: ")
    assert teep.Queue("high", config=configured).size() == 1


def test_from_a_shell(configured: teep.Config, server: Server) -> None:
    fill(configured)
    refused = sentence(run("kill", "retries", "class:Odd", REDIS_URL=server.url), 2)
    assert refused == "teep: nobody can be asked here; give --yes to kill, or --dry-run to count"
    assert run("kill", "retries", "class:Odd", "--yes", REDIS_URL=server.url).returncode == 0
    assert run("kill", "retries", "class:Odd", "--yes", REDIS_URL=server.url).returncode == 1
    missing = run("move", "retries", "class:Odd", "--yes", REDIS_URL=server.url)
    assert (missing.returncode, missing.stderr) == (2, "teep: give the name of a queue: --to QUEUE\n")
