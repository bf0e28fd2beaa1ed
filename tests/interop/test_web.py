"""Every page and action of Sidekiq 8's Web UI, on teep's jobs and processes."""

import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import teep
from tests.interop.conftest import PythonTeepFactory
from tests.interop.ruby_side import Ruby
from tests.interop.runs import release, wait_for_runs, wait_for_start
from tests.interop.sidekiqs import Sidekiq
from tests.interop.web_side import WebUi
from tests.support import golden
from tests.support.servers import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.sidekiq("8.1")

SETS: dict[str, Any] = {"retry": teep.RetrySet, "dead": teep.DeadSet, "schedule": teep.ScheduledSet}


@pytest.fixture(scope="module")
def started_web(sidekiq: Sidekiq, redis_server: Server) -> Iterator[WebUi]:
    with WebUi(sidekiq, redis_server.url) as web:
        yield web


@pytest.fixture
def web(started_web: WebUi, ruby: Ruby) -> WebUi:
    """The Web UI on `redis_server`, which is empty when the test begins."""
    return started_web


# Each page, with what it shows of what `fill` leaves. KEY is the entry's score and jid, PROFILE a profile's key.
PAGES: dict[str, list[str]] = {
    "head /": [],
    "get /": ["Processed"],
    "get /busy": ["IDENTITY", "python.Slow", "&lt;é&gt;", "interop"],
    "get /busy?only=jobs": ["python.Slow"],
    "get /busy?only=processes": ["IDENTITY"],
    "get /queues": ["low"],
    "get /queues/low": ["python.Waiting"],
    "get /queues/low?direction=asc": ["python.Waiting"],
    "get /retries": ["python.Fail", "no &lt;ink&gt;", "tagged", "ValueError"],
    "get /retries?substr=ink": ["python.Fail"],
    "get /retries/KEY": ["tests/interop/jobs.py"],
    "get /scheduled": ["python.Later"],
    "get /scheduled?substr=Later": ["python.Later"],
    "get /scheduled/KEY": ["python.Later"],
    "get /morgue": ["python.Fragile"],
    "get /morgue?substr=Fragile": ["python.Fragile"],
    "get /morgue/KEY": ["python.Fragile", "ValueError"],
    "get /metrics": ["python.Fail"],
    "get /metrics?period=72h": ["python.Fail"],
    "get /metrics/python.Echo": ["python.Echo"],
    "get /stats": ['"retries":1', '"busy":1'],
    "get /stats/queues": ['"low":1'],
    "get /profiles": [],
    "get /profiles/PROFILE/data": [],
}
# Sends what was profiled to a service on the internet.
NOT_ASKED = {"get /profiles/:key"}
ANSWERED_ELSEWHERE = {"get /dashboard/stats", "post /change_locale"}


def fill(python: teep.Config, server: Server) -> str:
    """One job of teep in every place, for a worker of the queue "default". Returns the jid of the one that runs."""
    client = teep.Client(python)
    running = client.push({"class": "python.Slow", "args": ["<é>"]})
    client.push({"class": "python.Echo", "args": ["quick"]})
    client.push({"class": "python.Fail", "args": ["no <ink>"], "backtrace": True, "retry": 5, "tags": ["tagged"]})
    client.push({"class": "python.Fragile", "args": ["gone"], "retry": 0})
    client.push({"class": "python.Later", "args": [1], "at": time.time() + 3600})
    client.push({"class": "python.Waiting", "args": [1], "queue": "low"})
    return str(running)


def key(entry: Any) -> str:
    return f"{entry.score!r}-{entry.jid}"


@pytest.mark.slow("two dozen pages, of a worker whose failures and metrics have arrived")
def test_every_page_shows_teeps_jobs(
    web: WebUi, ruby: Ruby, python: teep.Config, python_teep: PythonTeepFactory, redis_server: Server
) -> None:
    golden.restore(redis_server, golden.load("8.1.7", "33-profile"))
    (profile,) = redis_server.command("ZRANGE", "profiles", 0, -1)
    worker = python_teep()
    jid = fill(python, redis_server)
    wait_for_start(redis_server, jid)
    wait_until(lambda: ruby.entries("dead") and ruby.entries("retry") and ruby.works(), 15, "failures and work")
    wait_until(lambda: "python.Echo" in ruby.metrics("python.Fail").top, 15, "metrics")
    keys = {"retries": "retry", "scheduled": "schedule", "morgue": "dead"}
    for page, texts in PAGES.items():
        verb, path = page.split(" ")
        if path.endswith("KEY"):
            path = path.replace("KEY", key(ruby.entries(keys[path.split("/")[1]])[0]))  # type: ignore[arg-type]
        path = path.replace("PROFILE", profile.decode())
        answer = web.head(path) if verb == "head" else web.get(path)
        assert answer.status == 200, (path, answer.body[:500])
        for text in texts:
            assert text.replace("IDENTITY", worker.identity) in answer.body, (path, text)
    assert web.get("/dashboard/stats").status == web.post("/change_locale", locale="de").status == 302
    release(redis_server, jid)


class Action(NamedTuple):
    """A form of the Web UI, on three jobs in `at`, of which the second is chosen; without KEY or JOB all are.

    `left` is the place of the chosen afterwards, `retries` its retry_count there, which was 4.
    """

    path: str
    fields: dict[str, str]
    at: str
    left: str | None
    retries: int | None = 4

    @property
    def route(self) -> str:
        return f"post {re.sub('KEY', ':key', self.path).replace('/queues/low', '/queues/:name')}"


def actions() -> Iterator[Action]:
    for name, at in {"retries": "retry", "morgue": "dead"}.items():
        verbs = [("retry", "default", 3), ("delete", None, None), *([("kill", "dead", 4)] if at == "retry" else [])]
        for verb, left, count in verbs:
            yield Action(f"/{name}/KEY", {verb: "1"}, at, left, count)
            yield Action(f"/{name}", {verb: "1", "key": "KEY"}, at, left, count)
            yield Action(f"/{name}/all/{verb}", {}, at, left, count)
    for verb, left in (("add_to_queue", "default"), ("delete", None)):
        yield Action("/scheduled/KEY", {verb: "1"}, "schedule", left)
        yield Action("/scheduled", {verb: "1", "key": "KEY"}, "schedule", left)
        yield Action(f"/scheduled/all/{verb}", {}, "schedule", left)
    yield Action("/queues/low/delete", {"key_val": "JOB"}, "low", None)
    yield Action("/queues/low", {"delete": "1"}, "low", None)


def entries(python: teep.Config, place: str) -> dict[str, Any]:
    holder = SETS[place](config=python) if place in SETS else teep.Queue(place, config=python)
    return {entry.jid: entry for entry in holder}


@pytest.mark.parametrize("action", list(actions()), ids=lambda action: f"{action.path} {'-'.join(action.fields)}")
def test_an_action_does_to_teeps_jobs_what_it_says(
    web: WebUi, python: teep.Config, redis_server: Server, action: Action
) -> None:
    job = {
        "class": "python.Echo",
        "queue": "low" if action.at == "low" else "default",
        "retry_count": 4,
        "tags": ["é"],
    }
    at = {} if action.at == "low" else {"at": time.time() + 3600.25}
    jids = [
        str(jid) for jid in teep.Client(python).push_bulk(job | at | {"args": [[n, "é ☃", 1.5] for n in range(3)]})
    ]
    if action.at in ("retry", "dead"):
        redis_server.command("RENAME", "schedule", action.at)
    chosen = entries(python, action.at)[jids[1]]
    fields = {name: value.replace("JOB", chosen.raw.decode()) for name, value in action.fields.items()}
    one = "KEY" in action.path or bool({"key", "key_val"} & fields.keys())
    if one and "key_val" not in fields:
        fields = {name: value.replace("KEY", key(chosen)) for name, value in fields.items()}
    answer = web.post(action.path.replace("KEY", key(chosen) if action.at != "low" else ""), **fields)
    assert answer.status == 302, answer.body[:500]
    touched = [jids[1]] if one else jids
    assert set(entries(python, action.at)) == set(jids) - set(touched)
    if action.left is not None:
        left = entries(python, action.left)
        assert left.keys() == set(touched)
        assert {(entry.retry_count, tuple(entry.tags), entry.args[1]) for entry in left.values()} == {
            (action.retries, ("é",), "é ☃")
        }


@pytest.mark.parametrize("chosen", ["one", "all"])
def test_processes_are_quieted_and_stopped(
    web: WebUi, ruby: Ruby, python_teep: PythonTeepFactory, redis_server: Server, chosen: str
) -> None:
    worker = python_teep()
    fields = {"identity": worker.identity} if chosen == "one" else {}
    assert web.post("/busy", quiet="1", **fields).status == 302
    wait_until(lambda: ruby.processes()[0].stopping, 15, "the process to be quiet")
    assert web.post("/busy", stop="1", **fields).status == 302
    assert worker.wait() == 0


def test_a_job_that_was_killed_and_retried_there_runs(
    web: WebUi, python: teep.Config, python_teep: PythonTeepFactory, redis_server: Server
) -> None:
    jid = str(teep.Client(python).push({"class": "python.Echo", "args": ["é", 1.5], "at": time.time() + 3600}))
    redis_server.command("RENAME", "schedule", "retry")
    assert web.post(f"/retries/{key(entries(python, 'retry')[jid])}", kill="1").status == 302
    assert web.post(f"/morgue/{key(entries(python, 'dead')[jid])}", retry="1").status == 302
    python_teep()
    (run,) = wait_for_runs(redis_server)
    assert (run.jid, run.args) == (jid, ["é", 1.5])


def test_no_page_and_no_action_is_left_out(ruby: Ruby) -> None:
    """Whatever pages this Sidekiq has, a test here has asked for it."""
    shown = {re.sub(r"\?.*", "", page) for page in PAGES}
    routes = {page.replace("KEY", ":key").replace("PROFILE", ":key") for page in shown}
    routes = {re.sub(r"(/queues|/metrics)/[^/]+", r"\1/:name", route) for route in routes}
    assert ruby.web_routes() == (
        routes | {action.route for action in actions()} | {"post /busy"} | NOT_ASKED | ANSWERED_ELSEWHERE
    )
