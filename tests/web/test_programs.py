"""For programs: the JSON API and its description, gauges for Prometheus, and a number for autoscalers."""

import json
import re
import time
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

import teep
from teep.api.facts import AsyncServer
from teep.config import overridden
from teep.errors import RedisDenied
from teep.web import VIEWER
from teep.web.pages.programs import ENDPOINTS
from tests.api.trips import sent
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import MakeVisitor, fill, payload
from tests.web.test_hostile import STRANGE, XSS
from tests.web.test_jobsets import key
from tests.web.test_metrics import left_profile, ran
from tests.web.visitor import Visitor


def posted(visitor: Visitor, path: str, body: Any, **headers: str) -> httpx2.Response:
    return visitor.ask("POST", path, json=body, headers=headers)


def a_process(store: Server, name: str = "web:1:a", threads: int = 5, queues: Any = ("default", "low")) -> None:
    """Write a process that runs a job of its first queue since ten seconds."""
    host, pid, _ = name.split(":")
    info = {
        "hostname": host, "pid": int(pid), "identity": name, "concurrency": threads, "queues": list(queues),
        "started_at": time.time() - 100,
    }  # fmt: skip
    store.client.sadd("processes", name)
    fields: Any = {
        "info": json.dumps(info),
        "busy": 1,
        "beat": time.time(),
        "quiet": "false",
        "rss": 1000,
        "rtt_us": 90,
    }
    store.client.hset(name, mapping=fields)
    job = {"queue": queues[0], "payload": payload(1), "run_at": int(time.time()) - 10}
    store.client.hset(f"{name}:work", "t1", json.dumps(job))
    owner = {"pid": int(pid), "machine": host, "started": 0, "queues": list(queues)}
    store.client.hset("teep:inflight", name, json.dumps(owner))
    store.client.lpush(f"{{queue:{queues[0]}}}:inflight:{name}", payload(1), payload(2))


NAMED = "nightly"
"""What the limit and the periodic job that `populate` leaves are called."""


@teep.job(name="tests.web.node")
def node() -> None: ...


def a_workflow(config: teep.Config) -> str:
    """Start a workflow, which is a batch, too; returns its bid."""
    workflow = teep.Workflow("night", config=config)
    workflow.add("b", node.s(), after=workflow.add_many("a", [node.s(), node.s()]))
    workflow.start()
    return workflow.bid


def populate(store: Server, config: teep.Config) -> None:
    with overridden(config), teep.limits.bucket(NAMED, 3, per="day").within_limit():
        entry = teep.PeriodicSet().create(NAMED, "@every 1m", "app.Nightly", 1)
    store.client.hset("teep:periodic:last", NAMED, repr(entry.created_at.timestamp() // 1 + 60))
    fill(store, "retry", 4, error_class="E", error_message="m")
    fill(store, "dead", 2)
    fill(store, "schedule", 1)
    a_process(store)
    store.client.set("dear-leader", "web:1:a")
    store.client.sadd("queues", "default", XSS, "paused")
    store.client.sadd("paused", "paused")
    old = payload(1, enqueued_at=int((time.time() - 30) * 1000))
    for queue, count in (("default", 7), (XSS, 1), ("paused", 9)):
        store.client.lpush(f"queue:{queue}", *[old] * count)
    store.client.mset({"stat:processed": 12, "stat:failed": 3})
    ran(config, slow=(2, 30, 1))


def gauges(visitor: Visitor, query: str = "") -> dict[str, float]:
    """What a scrape gives: by name, or by name and label."""
    answer = visitor.get(f"/prometheus{query}")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.documentation
        assert family.type == ("counter" if f"{family.name}_total " in answer.text else "gauge"), family.name
    samples = [
        (sample.name, tuple(sample.labels.items()), sample.value) for each in families for sample in each.samples
    ]
    assert len({sample[:2] for sample in samples}) == len(samples)
    return {" ".join([name, *(label for _, label in labels)]): value for name, labels, value in samples}


def test_prometheus_reads_what_redis_knows(visitor: Visitor, store: Server, config: teep.Config) -> None:
    populate(store, config)
    found = gauges(visitor)
    assert found["teep_redis_up"] == 1
    assert (found["teep_processed_total"], found["teep_failed_total"], found["teep_expired_total"]) == (12, 3, 0)
    assert (found["teep_queue_jobs default"], found["teep_queue_jobs low"]) == (7, 0)
    assert found[f"teep_queue_jobs {XSS}".replace("\0", "\\0")] == 1
    assert 29 < found["teep_queue_latency_seconds default"] < 60
    assert (found["teep_queue_paused paused"], found["teep_queue_paused default"]) == (1, 0)
    assert (found["teep_queue_threads low"], found["teep_queue_processes low"]) == (5, 1)
    assert (found["teep_queue_busy default"], found["teep_queue_busy low"]) == (1, 0)
    assert 9 < found["teep_queue_longest_running_seconds default"] < 30
    assert [found[f"teep_set_jobs {name}"] for name in ("scheduled", "retry", "dead")] == [1, 4, 2]
    assert found["teep_set_overdue_jobs retry"] == 4
    assert found["teep_set_overdue_seconds retry"] > 1e6
    assert (found["teep_processes web false"], found["teep_threads"], found["teep_busy"]) == (1, 5, 1)
    assert (found["teep_utilization_ratio"], found["teep_process_resident_bytes web"]) == (0.2, 1_024_000)
    assert [found[f"teep_job_{name} slow"] for name in ("runs", "failures", "seconds_sum")] == [3, 1, 60]
    assert (found["teep_queue_in_flight default"], found["teep_queue_in_flight low"]) == (2, 0)
    assert 100 <= found["teep_leader_seconds"] < 130
    assert 0 <= found["teep_process_silent_seconds web"] < 30
    assert found["teep_redis_memory_bytes"] > 1000
    assert (found["teep_redis_memory_limit_bytes"], found["teep_redis_connections"] >= 1) == (0, True)


def test_a_fleet_of_none_is_a_number(visitor: Visitor) -> None:
    """A sum over nothing is nothing, and no alert hears of it."""
    found = gauges(visitor)
    assert (found["teep_processes  false"], found["teep_threads"], found["teep_busy"]) == (0, 0, 0)
    assert "teep_leader_seconds" not in found


def test_a_scrape_takes_whatever_a_process_says(visitor: Visitor, store: Server) -> None:
    a_process(store)
    odd = {
        "hostname": {"a": 1},
        "concurrency": "x",
        "queues": [1, None, XSS],
        "started_at": "soon",
        "identity": "odd",
    }
    store.client.sadd("processes", "odd")
    store.client.hset("odd", mapping={"info": json.dumps(odd), "busy": 1, "beat": "-inf", "quiet": "true"})
    store.client.set("dear-leader", "odd")
    found = gauges(visitor)
    assert (found["teep_processes web false"], found["teep_processes {'a': 1} true"]) == (1, 1)
    assert (found["teep_threads"], found["teep_queue_processes 1"], found["teep_leader_seconds"]) == (5, 1, 0)
    assert found["teep_process_silent_seconds {'a': 1}"] == float("inf")
    assert gauges(visitor, "?names=sidekiq")["sidekiq_processes"] == 2
    assert visitor.get("/api/autoscale").json()["threads"] == 5


def test_dashboards_for_sidekiq_find_their_names(visitor: Visitor, store: Server, config: teep.Config) -> None:
    populate(store, config)
    found = gauges(visitor, "?names=sidekiq")
    wanted = {
        "sidekiq_processed_jobs_total": 12, "sidekiq_failed_jobs_total": 3, "sidekiq_workers": 5,
        "sidekiq_processes": 1, "sidekiq_host_processes web false": 1, "sidekiq_busy_workers": 1,
        "sidekiq_enqueued_jobs": 17, "sidekiq_scheduled_jobs": 1, "sidekiq_retry_jobs": 4, "sidekiq_dead_jobs": 2,
        "sidekiq_queue_enqueued_jobs default": 7, "sidekiq_queue_workers default": 5,
        "sidekiq_queue_processes default": 1, "sidekiq_queue_busy_workers default": 1,
        "sidekiq_job_processed slow": 3, "sidekiq_job_failed slow": 1, "sidekiq_job_execution_time_seconds slow": 60,
        "sidekiq_host_processes_memory_usage_bytes web": 1_024_000,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert 100 <= found["sidekiq_leader_lifetime_seconds"] < 130
    assert "sidekiq_queue_latency_seconds default" in found
    assert "sidekiq_queue_max_processing_time_seconds default" in found


@pytest.mark.slow("a Redis that is away is asked for a second, twice")
def test_a_scrape_without_redis_says_so(runner: Any) -> None:
    visitor = Visitor(teep.web.app(teep.Config(redis_url="redis://127.0.0.1:1/0")), runner)
    assert gauges(visitor) == {"teep_redis_up": 0}
    assert visitor.get("/api/stats").status_code == 503
    visitor.close()


def test_scrapes_share_a_reading_for_a_while(visitor: Visitor, store: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr("teep.web.json.gauges._KEPT", 1000)
    gauges(visitor)
    store.client.set("stat:processed", 99)
    with sent() as commands:
        assert gauges(visitor)["teep_processed_total"] == 0
    assert commands == []
    monkeypatch.setattr("teep.web.json.gauges._KEPT", 0)
    with sent() as commands:
        assert gauges(visitor)["teep_processed_total"] == 99
    assert len(commands) <= 10


def test_autoscaling_counts_what_is_to_be_done(visitor: Visitor, store: Server, config: teep.Config) -> None:
    populate(store, config)
    a_process(store, "web:2:b", 15, ["low"])
    told = visitor.get("/api/autoscale").json()
    assert told["load"] == (8 + 2 + 5) / 10
    assert {"default", "paused"} < set(told.pop("queues"))
    assert told.pop("latency") > 29
    assert told == {
        "waiting": 8, "running": 2, "overdue": 5, "threads": 20, "utilization": 0.1, "load": 1.5, "desired": 2,
    }  # fmt: skip
    one = visitor.get("/api/autoscale?queue=default&threads=4").json()
    assert (one["waiting"], one["running"], one["threads"], one["load"]) == (7, 1, 5, 3.25)
    none = visitor.get("/api/autoscale?queue=nothing").json()
    assert (none["waiting"], none["threads"], none["utilization"]) == (0, 0, 0)


def test_an_empty_redis_needs_no_replica(visitor: Visitor) -> None:
    told = visitor.get("/api/autoscale").json()
    assert (told["load"], told["desired"], told["latency"]) == (0, 0, 0)


def test_the_api_reads_what_the_pages_show(visitor: Visitor, store: Server, config: teep.Config) -> None:
    populate(store, config)
    left_profile(store)
    assert visitor.get("/api/stats").json()["retry_size"] == 4
    assert visitor.get("/api/queues").json()["queues"][0]["name"] == "paused"
    assert visitor.get("/api/server").json()["name"] == "Valkey"
    assert len(visitor.get("/api/history?days=7").json()["processed"]) == 7
    assert visitor.get("/api/metrics").json()["jobs"] == [
        {"class": "slow", "runs": 3, "failed": 1, "seconds": 60, "average": 30}
    ]
    assert sum(visitor.get("/api/metrics/slow").json()["series"]["seconds"].values()) == 60
    (profile,) = visitor.get("/api/profiles").json()["profiles"]
    assert (profile["class"], profile["key"]) == ("app.Slow", "mike-0123")
    page = visitor.get("/api/retries?q=class:job_1").json()
    assert [(job["class"], job["arguments"]) for job in page["jobs"]] == [("app.job_1", [1])]
    assert visitor.get(f"/api/retries/{page['jobs'][0]['key']}").json()["error_class"] == "E"


def test_sidekiqs_own_statistics_are_there(visitor: Visitor, store: Server, config: teep.Config) -> None:
    populate(store, config)
    told = visitor.get("/stats").json()
    assert told["sidekiq"].pop("default_latency") > 29
    assert told["sidekiq"] == {
        "processed": 12, "failed": 3, "busy": 1, "processes": 1, "enqueued": 17, "scheduled": 1, "retries": 4,
        "dead": 2,
    }  # fmt: skip
    assert told["redis"]["store_name"] == "Valkey"
    assert visitor.get("/stats/queues").json()["paused"] == 9


def test_sidekiqs_statistics_are_there_where_redis_tells_nothing_of_itself(
    visitor: Visitor, store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied(_: Any) -> Any:
        raise RedisDenied("no permission")

    monkeypatch.setattr(AsyncServer, "facts", denied)
    populate(store, config)
    told = visitor.get("/stats").json()
    assert (told["sidekiq"]["processed"], told["redis"]) == (12, {})


def test_pages_of_jobs_follow_one_another(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 60)
    seen: list[int] = []
    query: dict[str, Any] = {}
    while True:
        page = visitor.get("/api/retries", params=query).json()
        seen += [job["arguments"][0] for job in page["jobs"]]
        if page["next"] is None:
            break
        query = {"after": page["next"]}
    assert seen == list(range(60))


def test_whatever_lies_there_is_json(visitor: Visitor, store: Server) -> None:
    store.client.zadd("dead", {raw: 1e9 + number for number, raw in enumerate(STRANGE)})
    store.client.zadd("dead", {b"beyond": float("inf")})
    jobs = visitor.get("/api/dead").json()["jobs"]
    assert len(jobs) == len(STRANGE) + 1
    assert [12345678901234567890123] in [job["arguments"] for job in jobs]
    for job in jobs:
        assert visitor.get(f"/api/dead/{job['key']}").status_code == 200


def test_hidden_arguments_are_hidden(visit: MakeVisitor, store: Server) -> None:
    fill(store, "dead", 1)
    assert visit(arguments="hide").get("/api/dead").json()["jobs"][0]["arguments"] is None
    shown = visit(arguments=lambda job: {"masked": job.jid}).get("/api/dead").json()["jobs"][0]["arguments"]
    assert shown == {"masked": f"{0:024x}"}


@pytest.mark.parametrize(
    ("name", "verb", "target"),
    [
        ("retries", "retry", None),
        ("retries", "kill", "dead"),
        ("scheduled", "add_to_queue", None),
        ("dead", "delete", ""),
    ],
)
@pytest.mark.parametrize("how", ["keys", "one", "all"])
def test_the_api_acts(visitor: Visitor, store: Server, name: str, verb: str, target: str | None, how: str) -> None:
    lies = {"retries": "retry", "scheduled": "schedule", "dead": "dead"}[name]
    fill(store, lies, 3, retry_count=1)
    if how == "all":
        counted = posted(visitor, f"/api/{name}/all", {"action": verb, "q": "class:job_1"}).json()
        assert counted == {"matching": 1, "done": None, "action": None}
        assert store.client.zcard(lies) == 3
        answer = posted(visitor, f"/api/{name}/all", {"action": verb, "q": "class:job_1", "confirm": 1})
    elif how == "one":
        answer = posted(visitor, f"/api/{name}/{key(1)}", {"action": verb})
    else:
        answer = posted(visitor, f"/api/{name}", {"action": verb, "keys": [key(1), key(9)]})
        assert answer.json()["gone"] == 1
    assert (answer.status_code, answer.json()["done"]) == (200, 1)
    assert store.client.zcard(lies) == 2
    if target is None:
        assert store.client.llen("queue:default") == 1
    elif target:
        assert store.client.zcard(target) == 1


def test_another_number_than_was_confirmed_is_refused(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 3)
    answer = posted(visitor, "/api/retries/all", {"action": "delete", "confirm": 2})
    assert (answer.status_code, answer.json()["matching"]) == (409, 3)
    assert store.client.zcard("retry") == 3


def test_very_many_are_done_in_the_background(visitor: Visitor, store: Server) -> None:
    fill(store, "retry", 2500)
    answer = posted(visitor, "/api/retries/all", {"action": "delete", "confirm": 2500})
    assert answer.status_code == 202
    path = f"/api/actions/{answer.json()['action']['id']}"
    wait_until(lambda: visitor.get(path).json()["state"] == "done", 30, "the action")
    assert visitor.get(path).json()["done"] == 2500
    assert posted(visitor, f"{path}/cancel", {}).status_code == 200


WRONG = [
    ("/api/retries", {"action": "explode"}, 400),
    ("/api/retries", {}, 400),
    ("/api/retries", [], 400),
    ("/api/retries", {"action": "retry", "keys": [1]}, 400),
    ("/api/retries", {"action": "retry", "keys": "abc"}, 400),
    ("/api/retries/all", {"action": "retry", "q": "clas:x"}, 400),
    ("/api/retries/all", {"action": "retry", "confirm": True}, 400),
    ("/api/retries/all", {"action": "retry", "confirm": "1"}, 400),
    ("/api/retries/1.0-x", {"action": "retry"}, 404),
    ("/api/actions/x/cancel", {}, 404),
    ("/api/nowhere", {}, 404),
    ("/api/stats", {}, 405),
]


@pytest.mark.parametrize(("path", "body", "status"), WRONG)
def test_what_makes_no_sense_is_told_as_json(visitor: Visitor, path: str, body: Any, status: int) -> None:
    answer = posted(visitor, path, body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_another_site_cannot_act(visit: MakeVisitor, store: Server) -> None:
    fill(store, "retry", 1)
    body = {"action": "delete", "keys": [key(0)]}
    answer = posted(visit(), "/api/retries", body, **{"sec-fetch-site": "cross-site"})
    assert (answer.status_code, "Another site" in answer.json()["error"]) == (403, True)
    text = visit().ask("POST", "/api/retries", content=json.dumps(body), headers={"content-type": "text/plain"})
    assert text.status_code == 403
    ours = {"content-type": "text/plain", "sec-fetch-site": "same-origin"}
    assert visit().ask("POST", "/api/retries", content=json.dumps(body), headers=ours).status_code == 415
    assert store.client.zcard("retry") == 1


def test_roles_hold_for_programs(visit: MakeVisitor, store: Server) -> None:
    fill(store, "retry", 1)
    body = {"action": "delete", "keys": [key(0)]}
    for visitor in (visit(authorize=lambda _: VIEWER), visit(read_only=True)):
        assert posted(visitor, "/api/retries", body).status_code == 403
        assert visitor.get("/api/stats").status_code == 200
    nobody = visit(authorize=lambda _: None)
    assert {nobody.get(path).status_code for path in ("/api/stats", "/api/openapi.json", "/prometheus")} == {401}
    assert store.client.zcard("retry") == 1


def test_openapi_describes_every_endpoint_and_what_it_gives(
    visitor: Visitor, store: Server, config: teep.Config
) -> None:
    populate(store, config)
    bid = a_workflow(config)
    told = visitor.get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert {(path, verb) for path, verbs in told["paths"].items() for verb in verbs} == {
        (endpoint.path, endpoint.method.lower()) for endpoint in ENDPOINTS
    }
    entry = visitor.get("/api/retries").json()["jobs"][0]["key"]
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET" or "{id}" in endpoint.path:
            continue
        name = endpoint.path.split("/")[2]
        within = (
            entry if name == "retries" else visitor.get(f"/api/{name}").json().get("jobs", [{}])[0].get("key", "")
        )
        path = endpoint.path.replace("{klass}", "slow").replace("{key}", within).replace("{name}", NAMED)
        path = path.replace("{bid}", bid)
        given = visitor.get(path).json()
        assert _fits(given, endpoint.gives), path
        names = re.findall(r"{(\w+)}", endpoint.path)
        described = told["paths"][endpoint.path]["get"]["parameters"]
        assert names == [one["name"] for one in described if one["in"] == "path"]


def _fits(value: Any, schema: Any) -> bool:
    """Tell whether a value is as a schema of ours says."""
    if "anyOf" in schema:
        return any(_fits(value, one) for one in schema["anyOf"])
    kinds: dict[str, Any] = {
        "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
        "null": type(None),
    }  # fmt: skip
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return False
    if isinstance(value, list):
        return all(_fits(one, schema.get("items", {})) for one in value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return set(schema.get("required", ())) <= set(value) and all(
            _fits(one, known[name]) for name, one in value.items() if name in known
        )
    return True
