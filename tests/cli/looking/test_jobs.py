"""`teep jobs`, `job`, `errors`, `queues NAME`: jobs wherever they lie, as tables and as JSON."""

import json
import time
from typing import Any

import pytest

import teep
from teep.cli.endings import DONE, NOTHING
from tests.cli.running import on_terminal, output, printed
from tests.cli.running import teep as run
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

LONG = "reset by peer while reading the answer of the upstream server at 10.20.30.40"


@pytest.fixture
def url(server: Server, configured: teep.Config) -> str:
    """A server with jobs in each place; what some producers write there does things to a terminal."""
    now = time.time()
    for number in range(3):
        job = {"class": "app.Resize", "args": [number, {"deep": "x" * 90}], "jid": f"0{number}" * 12, "queue": "low"}
        failed = {"retry_count": number, "failed_at": now, "error_class": "ConnectionError"}
        told = {"error_message": f"{LONG}:{number}"}
        teep.RetrySet(config=configured).schedule(now + 600 + number, job | failed | told)
    teep.DeadSet(config=configured).schedule(now - 7_200, {
        "class": "Bad\033[2J[red]", "args": [], "jid": "dead", "queue": "low", "error_class": "KeyError",
        "error_message": "'id'\n", "failed_at": now - 7_200, "error_backtrace": ["a.py:1", "b.py:2"], "tags": ["eu"],
    })  # fmt: skip
    client = teep.Client(configured)
    client.push({"class": "Later", "args": [], "queue": "low", "at": now + 90_000, "jid": "later"})
    for number in range(30):
        klass = "Odd" if number % 2 else "Even"
        client.push({"class": klass, "args": [number], "queue": "high", "jid": f"job{number}"})
    server.command("SADD", "paused", "high")
    return server.url


def stripped(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_a_queue(url: str) -> None:
    lines = stripped(output("jobs", "high", REDIS_URL=url))
    rows = [line.split() for line in lines if line.startswith("job")]
    assert len(rows) == 25
    assert rows[1][0] == "job1"  # the next to run come first
    assert rows[1][-2:] == ["Odd", "1"]
    assert lines[-1] == "These are the first 25; --limit N shows more, --count says how many there are."
    lines = stripped(output("jobs", "high", "class:Odd", "--limit", "99", REDIS_URL=url))
    assert [line.split()[0] for line in lines if line.startswith("job")] == [f"job{n}" for n in range(1, 30, 2)]


def test_a_count(url: str) -> None:
    assert output("jobs", "high", "--class", "Odd", "--count", REDIS_URL=url) == "15\n"
    assert printed("jobs", "high", "--count", REDIS_URL=url) == [{"jobs": 30}]
    assert run("jobs", "high", "class:X", "--count", REDIS_URL=url).returncode == NOTHING


def test_in_a_pipe_a_row_is_a_line_and_nothing_is_cut(url: str) -> None:
    (row,) = (line for line in stripped(output("jobs", "retries", REDIS_URL=url)) if line.startswith("0000"))
    assert row.split()[:5] == ["00" * 12, "in", "9", "min", "1"]
    assert row.endswith(f"ConnectionError: {LONG}:0")
    text = output("jobs", "dead", REDIS_URL=url)
    assert "\033" not in text
    assert "Bad\\x1b[2J[red]" in text
    assert "KeyError: 'id'\\n" in text
    assert "2 h ago" in text


def test_on_a_terminal_it_fits_into_80_columns(url: str) -> None:
    code, screen = on_terminal("jobs", "retries", REDIS_URL=url, NO_COLOR="1")
    lines = [line.rstrip() for line in screen.replace("\033[1m", "").replace("\033[0m", "").splitlines()]
    assert code == DONE
    assert max(map(len, lines)) <= 80
    (row,) = (line for line in lines if line.lstrip().startswith("0000"))
    assert "app.Resize" in row
    assert row.endswith("…")
    wide = on_terminal("jobs", "retries", REDIS_URL=url, columns=200)[1]
    assert "\033[31m" in wide  # errors are red
    assert f"{LONG}:0" in wide


def test_as_json_there_is_everything(url: str) -> None:
    first, *others = printed("jobs", "retries", "args:0", REDIS_URL=url)
    assert others == []
    assert first["at"].endswith("+00:00")
    told = {
        "jid": "00" * 12, "class": "app.Resize", "args": [0, {"deep": "x" * 90}], "queue": "low", "tags": [],
        "where": "retries", "created_at": None, "enqueued_at": None, "retried_at": None, "retry_count": 0,
        "error_class": "ConnectionError", "error_message": f"{LONG}:0",
    }  # fmt: skip
    assert {name: first[name] for name in told} == told
    assert first.keys() - told.keys() == {"at", "failed_at"}


def test_bytes_that_are_no_job_are_shown(server: Server) -> None:
    server.command("SADD", "queues", "low")
    server.command("LPUSH", "queue:low", b"\xff no job")
    assert printed("jobs", "low", REDIS_URL=server.url)[0]["args"] == ["\\udcff no job"]
    assert "no job" in output("jobs", "low", REDIS_URL=server.url)


def test_nothing_there_is_told(url: str) -> None:
    done = run("jobs", "scheduled", "class:X", REDIS_URL=url)
    assert (done.returncode, done.stderr) == (NOTHING, "There are no jobs of scheduled that match class:X.\n")
    done = run("jobs", "scheduled", "class:X", "--json", REDIS_URL=url)
    assert (done.returncode, done.stdout, done.stderr) == (NOTHING, "", "")


def test_what_fills_a_queue(url: str) -> None:
    text = output("queues", "high", REDIS_URL=url)
    assert text.startswith("high holds 30 jobs; the next one has waited ")
    assert "It is paused." in text
    rows = [line.split()[:3] for line in text.splitlines() if "%" in line]
    assert rows == [["15", "50%", "Even"], ["15", "50%", "Odd"]]
    groups = printed("queues", "high", REDIS_URL=url)
    assert [(group["class"], group["jobs"], group["queue"]) for group in groups] == [
        ("Even", 15, "high"), ("Odd", 15, "high"),
    ]  # fmt: skip
    done = run("queues", "hihg", REDIS_URL=url)
    assert (done.returncode, done.stderr) == (NOTHING, "There is no queue hihg; did you mean high?\n")


def test_a_queue_that_was_emptied(server: Server) -> None:
    server.command("SADD", "queues", "low")
    assert output("queues", "low", REDIS_URL=server.url) == "low is empty.\n"
    assert printed("queues", "low", REDIS_URL=server.url) == []


def test_what_failed(url: str) -> None:
    lines = output("errors", REDIS_URL=url).splitlines()
    rows = [line.split()[:3] for line in lines if " retries " in line or " dead " in line]
    assert rows[0] == ["3", "retries", "app.Resize"]
    assert rows[1][:2] == ["1", "dead"]
    first, second = printed("errors", REDIS_URL=url)
    message = LONG.replace("10.20.30.40", "#.#.#.#") + ":#"
    assert (first["jobs"], first["in"], first["message"]) == (3, "retries", message)
    assert second["jobs"] == 1
    # What it says last selects these jobs.
    assert lines[-1].startswith("The first ones: teep jobs retries 'class:app.Resize error:ConnectionError message:")
    assert len(printed("jobs", "retries", first["filter"], REDIS_URL=url)) == 3
    assert "And 1 smaller groups" in output("errors", "--limit", "1", REDIS_URL=url)


@pytest.mark.parametrize(
    ("jid", "told"),
    [
        ("dead", {"where": "dead, died 2 h ago", "class": "Bad\\x1b[2J[red]", "tags": "eu"}),
        ("later", {"where": "scheduled, due in 1 d", "class": "Later"}),
        ("job7", {"where": "queued, queue high", "class": "Odd", "arguments": "7"}),
        ("01" * 12, {"where": "retries, next try in ", "tries": "2", "class": "app.Resize"}),
    ],
)  # fmt: skip
def test_one_job_wherever_it_is(url: str, jid: str, told: dict[str, str]) -> None:
    lines = output("job", jid, REDIS_URL=url).splitlines()
    assert lines[1].split() == ["job", jid]
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if len(line.split()) > 1}
    for name, value in told.items():
        assert rows[name].startswith(value)
    assert ("b.py:2" in lines) is (jid == "dead")


def test_its_payload(url: str, server: Server) -> None:
    (raw,) = server.command("ZRANGE", "schedule", 0, 0)
    assert output("job", "later", "--raw", REDIS_URL=url) == f"{raw.decode()}\n"
    (found,) = printed("job", "later", REDIS_URL=url)
    assert (found["where"], found["payload"]) == ("scheduled", json.loads(raw))


def test_a_job_is_changed_where_it_lies(url: str, configured: teep.Config) -> None:
    edits = ("--edit", 'args=[7, "eu"]', "--edit", "note=hello", "--edit", "retry=null")
    said = output("job", "job7", *edits, REDIS_URL=url)
    assert said == "Changed args, note, retry of job7, which is queued.\n"
    job = teep.Queue("high", config=configured).find_job("job7")
    assert job is not None
    assert (job.args, job["note"], job["retry"]) == ([7, "eu"], "hello", None)
    for edit, problem in (("args", "--edit takes FIELD=JSON"), ("args=1", "args")):
        done = run("job", "later", "--edit", edit, REDIS_URL=url)
        assert (done.returncode, problem in done.stderr) == (2, True)


def test_a_job_that_is_nowhere(url: str) -> None:
    done = run("job", "nowhere", REDIS_URL=url)
    assert (done.returncode, done.stderr) == (
        NOTHING, "Nothing is known of nowhere: it is over, was deleted, or was never pushed.\n",
    )  # fmt: skip


def test_an_encrypted_argument_is_masked(server: Server, configured: teep.Config) -> None:
    secret: dict[str, Any] = {"class": "Secret", "args": ["name", "BAhJIg=="], "encrypt": True, "jid": "s"}
    teep.RetrySet(config=configured).schedule(2e9, secret)
    for arguments in (("jobs", "retries", "--json"), ("job", "s"), ("jobs", "retries")):
        assert "BAhJ" not in output(*arguments, REDIS_URL=server.url)
