"""`teep push`, `run` and `console`, beside a project's own jobs."""

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import teep
from teep.cli.endings import NOTHING, USAGE
from teep.cli.showing.values import read
from tests.cli.running import COMMAND, environment, on_terminal, output, printed
from tests.cli.running import teep as run
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

JOBS = """
import teep

@teep.job(queue="mailers", tags=["welcome"])
def welcome(user: int, locale: str = "en") -> str:
    return f"{user} {locale}"

@teep.job(name="Import")
async def load(path):
    return {"path": path}

class Count(teep.Job):
    def perform(self, upto: int) -> int:
        return sum(range(upto))

@teep.job(unique_for=60)
def once() -> None:
    raise ValueError("not this time")
"""


@pytest.fixture
def url(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server, and a project's folder, which is the working one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "jobs.py").write_text(JOBS)
    (tmp_path / "teep.toml").write_text('modules = ["app.jobs"]\n')
    (tmp_path / "broken.py").write_text("1 / 0\n")
    return server.url


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("42", 42), ("1.5", 1.5), ("null", None), ("true", True), ('"42"', "42"), ("eu", "eu"), ("[1,", "[1,"),
        ('{"a": [1]}', {"a": [1]}), ("NaN", "NaN"), ("-Infinity", "-Infinity"), ("", ""), ("007", "007"),
    ],
)  # fmt: skip
def test_an_argument_is_json_or_else_a_string(typed: str, value: object) -> None:
    assert read(typed) == value


def test_a_job_of_the_project_is_pushed_with_its_options(url: str, configured: teep.Config) -> None:
    said = output("push", "app.jobs.welcome", "42", "--tag", "eu", REDIS_URL=url)
    job = teep.Queue("mailers", config=configured).first()
    assert job is not None
    assert (job.klass, job.args, job.tags) == ("app.jobs.welcome", [42], ["eu"])
    assert said == f"Pushed app.jobs.welcome to mailers as {job.jid}.\n"
    (told,) = printed("push", "app.jobs.load", "a.csv", "--queue", "low", REDIS_URL=url)
    assert (told["queue"], told["at"], told["known"]) == ("low", None, True)
    assert [job.klass for job in teep.Queue("low", config=configured)] == ["Import"]


def test_a_job_of_ruby_is_pushed_as_it_is_with_a_sentence(url: str, configured: teep.Config) -> None:
    done = run("push", "Some::RubyWorker", "42", "eu", '{"deep": [1]}', "--", "-5", REDIS_URL=url)
    assert done.returncode == 0
    assert done.stderr == "teep finds no job Some::RubyWorker here, so it is pushed as a Ruby class would be.\n"
    job = teep.Queue(config=configured).first()
    assert job is not None
    assert (job.klass, job.args) == ("Some::RubyWorker", [42, "eu", {"deep": [1]}, -5])


def test_a_job_for_later(url: str, configured: teep.Config) -> None:
    output("push", "Later", "--in", "2h", REDIS_URL=url)
    said = output("push", "Later", "--at", "2030-01-31T08:00:00+00:00", REDIS_URL=url)
    assert ", for 2030-01-31 " in said
    last, first = teep.ScheduledSet(config=configured)
    assert abs(first.score - time.time() - 7_200) < 60
    assert last.at == datetime(2030, 1, 31, 8, tzinfo=UTC)
    (told,) = printed("push", "Later", "--at", "1900000000", REDIS_URL=url)
    assert told["at"] == "2030-03-17T17:46:40+00:00"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["app.jobs.welcom", "1"], "there is no job app.jobs.welcom; did you mean app.jobs.welcome?"),
        (["app.jobs.welcome"], "user"),
        (["app.jobs.welcome", "1", "2", "3"], "app.jobs.welcome"),
        (["X", "--in", "soon"], "--in cannot be 'soon'"),
        (["X", "--at", "soon"], "--at takes a time such as"),
        (["X", "--in", "1h", "--at", "1900000000"], "give --in or --at, not both"),
        (["broken.job"], "broken cannot be imported: ZeroDivisionError"),
    ],
)
def test_what_makes_no_job_is_refused(url: str, words: list[str], problem: str) -> None:
    done = run("push", *words, REDIS_URL=url)
    assert (done.returncode, done.stdout, problem in done.stderr) == (USAGE, "", True), done.stderr


def test_a_job_that_has_the_lock_keeps_another_out(url: str) -> None:
    output("push", "app.jobs.once", REDIS_URL=url)
    done = run("push", "app.jobs.once", REDIS_URL=url)
    assert (done.returncode, "one like it has the lock" in done.stderr) == (NOTHING, True)


def test_a_job_runs_here(url: str) -> None:
    assert output("run", "app.jobs.welcome", "42", "de", REDIS_URL=url) == '"42 de"\n'
    assert output("run", "app.jobs.load", "a.csv", REDIS_URL=url) == '{"path": "a.csv"}\n'
    assert printed("run", "app.jobs.Count", "4", REDIS_URL=url) == [{"job": "app.jobs.Count", "returned": 6}]


def test_a_job_that_raises_here_is_a_traceback(url: str) -> None:
    done = run("run", "app.jobs.once", REDIS_URL=url)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "ValueError: not this time")
    done = run("run", "Nowhere", REDIS_URL=url)
    assert done.returncode == USAGE
    assert "there is no job 'Nowhere' here; name it with its module" in done.stderr


def console(program: str, url: str) -> str:
    done = subprocess.run(
        [*COMMAND, "console"],
        input=program,
        env=environment(REDIS_URL=url),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.slow("an interpreter that imports all of teep")
def test_a_program_that_comes_through_a_pipe_runs_on_that_redis(url: str, configured: teep.Config) -> None:
    teep.Client(configured).push({"class": "A", "args": [], "jid": "a"})
    program = "job = Queue().find_job('a')\nprint(job.klass, find_job('a').where)\nprint(app.jobs.welcome(1))\n"
    assert console(program, url) == "A queued\n1 en\n"


@pytest.mark.slow("an interpreter that imports all of teep")
def test_on_a_terminal_there_is_a_prompt(url: str) -> None:
    code, screen = on_terminal("console", REDIS_URL=url, answer="Stats().processed + 7\n\x04", asks=">>> ")
    assert code == 0
    assert "All of teep is imported" in screen
    assert "7" in screen.splitlines()
