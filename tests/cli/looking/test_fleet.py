"""`teep processes`, `batches`, `limits`, `result`, and the same look again and again."""

import json
import signal
import subprocess

import pytest

import teep
from teep.cli.endings import NOTHING, USAGE
from teep.cli.showing import watching
from teep.client.batches import Batch
from teep.client.workflows import Workflow
from tests.cli.running import COMMAND, environment, output, printed
from tests.cli.running import teep as run
from tests.support import golden
from tests.support.servers import Server
from tests.worker.fleet import Fleet

pytestmark = pytest.mark.one_server


@teep.job(name="cli_build")
def build_it() -> None:
    """Runs nowhere."""


@pytest.fixture
def busy(server: Server) -> str:
    """A process of Ruby's that runs jobs; gives its name."""
    step = golden.load("8.1.7", "22-busy")
    golden.restore(server, step)
    (name,) = (str(name, "utf-8") for name in step.sets["processes"])
    server.command("PERSIST", name)
    server.command("PERSIST", f"{name}:work")
    return name


def test_processes_and_what_runs_in_them(busy: str, server: Server) -> None:
    (process,) = printed("processes", REDIS_URL=server.url)
    assert (process["process"], process["quiet"], process["leads"]) == (busy, False, False)
    assert process["busy"] == len(process["jobs"]) > 0
    work = process["jobs"][0]
    text = output("processes", REDIS_URL=server.url)
    assert f"{process['busy']} of {process['concurrency']}" in text
    (row,) = (line for line in text.splitlines() if work["jid"] in line)
    assert work["class"] in row
    assert busy in row


def test_a_process_is_told_by_its_name_or_how_it_begins(busy: str, server: Server) -> None:
    assert output("processes", "quiet", busy[:-3], REDIS_URL=server.url) == f"{busy} takes no more jobs.\n"
    assert server.command("LRANGE", f"{busy}-signals", 0, -1) == [b"TSTP"]
    assert printed("processes", "stop", busy, REDIS_URL=server.url) == [{"process": busy, "told": "stop"}]
    assert printed("processes", "dump", busy, REDIS_URL=server.url) == [{"process": busy, "told": "dump"}]
    assert server.command("LRANGE", f"{busy}-signals", 0, -1) == [b"TTIN", b"TERM", b"TSTP"]


def test_a_process_that_is_not_meant_clearly(busy: str, server: Server) -> None:
    fields = server.command("HGETALL", busy)
    info = json.loads(fields[b"info"]) | {"identity": f"{busy}x"}
    fields[b"info"] = json.dumps(info)
    server.command("HSET", f"{busy}x", *(part for pair in fields.items() for part in pair))
    server.command("SADD", "processes", f"{busy}x")
    assert output("processes", "quiet", busy, REDIS_URL=server.url).startswith(busy)
    done = run("processes", "quiet", busy[:-1], REDIS_URL=server.url)
    assert (done.returncode, f"may be {busy}, {busy}x" in done.stderr) == (USAGE, True)
    done = run("processes", "stop", "other", REDIS_URL=server.url)
    assert (done.returncode, done.stderr) == (NOTHING, "There is no process other; teep processes shows them.\n")
    for words in (("quiet",), ("list", busy)):
        assert run("processes", *words, REDIS_URL=server.url).returncode == USAGE


@pytest.fixture
def batch(configured: teep.Config) -> Batch:
    batch = Batch(config=configured, description="import 7", tags=["eu"])
    with batch.jobs():
        for number in range(3):
            teep.Client(configured).push({"class": "Row", "args": [number], "queue": "low", "jid": f"row{number}"})
    return batch


def test_batches(batch: Batch, server: Server) -> None:
    (found,) = printed("batches", "--tag", "eu", "--state", "running", REDIS_URL=server.url)
    assert (found["bid"], found["total"], found["pending"], found["description"]) == (batch.bid, 3, 3, "import 7")
    (row,) = (line.split() for line in output("batches", REDIS_URL=server.url).splitlines() if batch.bid in line)
    assert row[:4] == [batch.bid, "running", "3", "3"]
    assert row[-2:] == ["import", "7"]
    assert printed("batches", "--state", "success", REDIS_URL=server.url) == []
    assert "import 7" in output("batches", "show", batch.bid, REDIS_URL=server.url)


def test_one_batch_and_the_list_count_alike(server: Server, configured: teep.Config) -> None:
    """A node that waits is left, in either."""
    workflow = Workflow(config=configured)
    workflow.add("first", build_it.s())
    workflow.add("second", build_it.s(), after="first")
    workflow.start()
    listed = output("batches", REDIS_URL=server.url)
    shown = output("batches", "show", workflow.bid, REDIS_URL=server.url)
    assert next(line for line in listed.splitlines() if workflow.bid in line).split()[2:4] == ["2", "2"]
    assert [line.split() for line in shown.splitlines() if line.split()[:1] == ["left"]] == [["left", "2"]]


@pytest.mark.slow("eight commands, one after the other")
def test_what_is_done_to_a_batch(batch: Batch, server: Server, configured: teep.Config) -> None:
    (job, *_) = teep.Queue("low", config=configured).where(jids=["row1"])
    teep.RetrySet(config=configured).schedule(2e9, job.item)
    job.delete()
    said = output("batches", "retry", batch.bid, REDIS_URL=server.url)
    assert said == f"{batch.bid}: 1 of its jobs run again.\n"
    assert output("batches", "cancel", batch.bid, REDIS_URL=server.url).endswith("skipped from now on.\n")
    assert teep.BatchStatus(batch.bid, config=configured).invalid
    (told,) = printed("batches", "delete", batch.bid, REDIS_URL=server.url)
    assert told == {"bid": batch.bid, "verb": "delete", "jobs": None}
    done = run("batches", "show", batch.bid, REDIS_URL=server.url)
    assert (done.returncode, done.stderr.startswith(f"There is no batch {batch.bid}")) == (NOTHING, True)
    for words in (("retry",), ("list", batch.bid), ("show", "7")):
        assert run("batches", *words, REDIS_URL=server.url).returncode == USAGE


def test_a_workflow_shows_its_nodes(server: Server, configured: teep.Config) -> None:
    workflow = Workflow("release", config=configured)
    build = workflow.add("build", build_it.s())
    workflow.add("publish", build_it.s(), after=build)
    workflow.start()
    lines = output("batches", "show", workflow.bid, REDIS_URL=server.url).splitlines()
    rows = [line.split() for line in lines if line.strip().startswith(("build", "publish"))]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("build", "pushed", build_it.definition.name), ("publish", "waiting", "build"),
    ]  # fmt: skip
    assert "workflow release" in output("batches", REDIS_URL=server.url)
    assert [node["state"] for node in printed("batches", "show", workflow.bid, REDIS_URL=server.url)[0]["nodes"]] == [
        "pushed", "waiting",
    ]  # fmt: skip
    output("batches", "cancel", workflow.bid, REDIS_URL=server.url)
    assert teep.WorkflowStatus(workflow.bid, config=configured).node("publish").state == "cancelled"


@pytest.mark.slow("three commands, and a limit with its leases")
def test_limits(server: Server, configured: teep.Config) -> None:
    limit = teep.limits.concurrent("erp", 2, config=configured)
    with limit.within_limit():
        (found,) = printed("limits", REDIS_URL=server.url)
        assert (found["name"], found["kind"], found["used"], found["limit"]) == ("erp", "concurrent", 1, 2)
        lines = output("limits", "erp", REDIS_URL=server.url).splitlines()
        (row,) = (line.split() for line in lines if "erp" in line)
    assert row[:4] == ["erp", "concurrent", "1", "2"]
    done = run("limits", "epr", REDIS_URL=server.url)
    assert (done.returncode, done.stderr) == (NOTHING, "No limit epr was used lately; did you mean erp?\n")


@teep.job(name="cli_kept", keep_result=60, retry=0)
def kept(*, fails: bool = False) -> dict[str, int]:
    if fails:
        raise ValueError("no rows")
    return {"rows": 7}


@pytest.mark.slow("eight commands, and a worker")
def test_what_a_job_returned(server: Server, configured: teep.Config) -> None:
    client = teep.Client(configured)
    waits = client.push({"class": "A", "args": [], "queue": "unserved"})
    assert waits is not None
    assert printed("result", waits, REDIS_URL=server.url) == [{"jid": waits, "status": "queued"}]
    done = run("result", waits, "--wait", "0", "--json", REDIS_URL=server.url)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (NOTHING, "queued")
    fine, failed = (str(client.enqueue(kept, fails=fails)) for fails in (False, True))
    with Fleet(server) as fleet:
        fleet.start(queues=["default"])
        told = {"jid": fine, "status": "succeeded", "value": {"rows": 7}}
        assert printed("result", fine, "--wait", "30", REDIS_URL=server.url) == [told]
        done = run("result", failed, "--wait", "30", "--json", REDIS_URL=server.url)
    assert (done.returncode, json.loads(done.stdout)) == (
        NOTHING, {"jid": failed, "status": "dead", "error": "ValueError: no rows"},
    )  # fmt: skip
    rows = [line.split() for line in output("result", fine, REDIS_URL=server.url).splitlines()]
    assert ["value", '{"rows":', "7}"] in rows
    assert "is over (succeeded)" in output("job", fine, REDIS_URL=server.url)


def test_a_result_of_a_job_that_nobody_knows(server: Server) -> None:
    done = run("result", "nowhere", REDIS_URL=server.url)
    assert (done.returncode, "unknown" in done.stdout) == (NOTHING, True)


@pytest.mark.slow("an interpreter that looks twice, with two seconds between")
def test_a_look_again_and_again_is_ended_by_ctrl_c(server: Server) -> None:
    with subprocess.Popen(
        [*COMMAND, "stats", "--watch", "--json"],
        env=environment(REDIS_URL=server.url),
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        assert watch.stdout is not None
        first = json.loads(watch.stdout.readline())
        server.command("SET", "stat:processed", first["processed"] + 7)
        second = json.loads(watch.stdout.readline())
        watch.send_signal(signal.SIGINT)
        assert watch.wait(30) == 0
    assert second["processed"] == first["processed"] + 7


@pytest.mark.usefixtures("configured")
def test_rates_come_with_the_second_look(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from teep.cli.commands.looking.stats import StatsFlags, stats

    looks = iter((lambda: server.command("SET", "stat:processed", 1_000), _interrupt))
    monkeypatch.setattr(watching, "sleep", lambda _: next(looks)())
    stats(StatsFlags(watch=True))
    tables = capsys.readouterr().out.split("a second")
    rows = [next(line.split() for line in table.splitlines() if "processed" in line) for table in tables[1:]]
    assert [row[1] for row in rows] == ["0", "1,000"]
    assert (len(rows[0]), float(rows[1][2].replace(",", "")) > 1_000) == (2, True)


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_an_outage_is_told_while_it_lasts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from teep.errors import RedisUnavailable

    states = iter([lambda: print("up"), RedisUnavailable("Redis is away"), lambda: print("up again")])

    def read():  # type: ignore[no-untyped-def]
        state = next(states)
        if isinstance(state, Exception):
            raise state
        return state

    sleeps = iter([None, None, KeyboardInterrupt()])

    def sleep(_: float) -> None:
        if (error := next(sleeps)) is not None:
            raise error

    monkeypatch.setattr(watching, "sleep", sleep)
    watching.look(read, again=True)
    said = capsys.readouterr()
    assert (said.out.splitlines(), said.err) == (["up", "up again"], "teep: Redis is away\n")
