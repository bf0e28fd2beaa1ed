"""Periodic jobs on pages and for programs: seen, paused, run, created, changed and deleted, by those who may."""

import json
import re
from typing import Any

import pytest

import teep
from teep.config import driver_for
from teep.web import ADMIN, OPERATOR, VIEWER, Access
from teep.wire import commands as wire
from teep.wire import keys
from tests.api.trips import asked
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor
from tests.web.visitor import OURS, Visitor, text_of

NAME = "a/b <x>"
PATH = "/periodic/~YS9iIDx4Pg"


@pytest.fixture
def entries(config: teep.Config) -> teep.PeriodicSet:
    """Two that were created by hand, and one that code declares."""
    entries = teep.PeriodicSet(config=config)
    entries.create("nightly", "30 4 * * *", "app.Nightly", 7, "x", tz="Europe/Prague", catch_up="all")
    entries.create(NAME, "@every 10m", "Poll")
    entries.create("declared", "@hourly", "Code")
    declare(config, "declared")
    return entries


def declare(config: teep.Config, name: str) -> None:
    """Let an entry be one that code declares."""
    driver = driver_for(config)
    (raw,) = driver.execute(wire.hmget(keys.periodic(), name))
    assert raw is not None
    driver.execute(wire.hset(keys.periodic(), {name: raw.replace(b'"dynamic"', b'"static"')}))


def test_they_are_listed_by_name_in_words(visitor: Visitor, entries: teep.PeriodicSet) -> None:
    page = visitor.get("/periodic")
    text = text_of(page)
    assert text.index("a/b <x>") < text.index("declared") < text.index("nightly")
    assert "30 4 * * * At 04:30 every day (Europe/Prague) app.Nightly never" in text
    assert text.count("by hand") == 2
    assert "in code" in text
    assert "No process of teep leads the fleet" in text
    assert "nightly" not in text_of(visitor.get("/periodic?q=poll"))
    assert "No periodic job is named like that" in text_of(visitor.get("/periodic?q=nope"))


def test_without_any_it_says_how_to_begin(visitor: Visitor, store: Server) -> None:
    text = text_of(visitor.get("/periodic"))
    assert "There are no periodic jobs" in text
    assert "leads the fleet" not in text


def test_one_shows_its_next_runs_in_its_zone_and_in_utc(visitor: Visitor, entries: teep.PeriodicSet) -> None:
    page = visitor.get("/periodic/nightly")
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th><td>([^<]+)</td>', page.text)
    assert len(rows) == 5
    for local, utc in rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d 04:30:00 CES?T", local)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d 0[23]:30:00", utc)
    assert '7, "x"' in text_of(page)
    assert "It has not run yet" in text_of(page)
    every = visitor.get(PATH)
    assert len(re.findall(r'<tr><th scope="row">\d{4}-[^<]+</th><td><time', every.text)) == 5
    assert visitor.get("/periodic/nope").status_code == 404


def test_arguments_are_hidden_if_they_are(visit: MakeVisitor, entries: teep.PeriodicSet) -> None:
    visitor = visit(arguments="hide")
    assert '7, "x"' not in text_of(visitor.get("/periodic/nightly"))
    assert visitor.get("/api/periodic/nightly").json()["arguments"] is None
    changed = visit(arguments=lambda job: [job.klass, len(job.args)])
    assert '"app.Nightly", 2' in text_of(changed.get("/periodic/nightly"))


def test_the_form_that_would_show_them_is_then_refused(visit: MakeVisitor, entries: teep.PeriodicSet) -> None:
    for hidden in ("hide", lambda job: [job.klass]):
        visitor = visit(arguments=hidden)
        assert "/edit" not in visitor.get("/periodic/nightly").text
        assert visitor.get("/periodic/nightly/edit").status_code == 403
        assert visitor.post("/periodic/nightly/edit", FORM).status_code == 403


def test_pausing_resuming_and_running(visitor: Visitor, entries: teep.PeriodicSet, store: Server) -> None:
    assert "nightly is paused" in text_of(visitor.post("/periodic/nightly", {"pause": "yes"}))
    assert entries.get("nightly").paused  # type: ignore[union-attr]
    listed = visitor.post("/periodic/nightly", {"unpause": "yes", "back": "periodic"})
    assert listed.url.path == "/periodic"
    assert "nightly runs again on time." in text_of(listed)
    assert not entries.get("nightly").paused  # type: ignore[union-attr]
    ran = visitor.post(PATH, {"run": "yes"})
    assert "a/b <x> is enqueued." in text_of(ran)
    (raw,) = store.client.lrange("queue:default", 0, -1)
    assert json.loads(raw)["class"] == "Poll"
    assert "queued, or running" in text_of(ran)
    assert f'href="../jobs/{json.loads(raw)["jid"]}"' in ran.text
    assert "queued, or running" in text_of(visitor.get("/periodic"))
    assert "There is no periodic job nope." in text_of(visitor.post("/periodic/nope", {"pause": "yes"}))
    assert visitor.post("/periodic/nightly", {}).status_code == 400


def test_outcomes_are_told_in_words(visitor: Visitor, entries: teep.PeriodicSet, store: Server) -> None:
    states = (
        "queued",
        "done",
        "dead",
        "discarded",
        "expired",
        "cancelled",
        "deleted",
        "overlap",
        "unique",
        "stopped",
        "missed",
    )
    for number, state in enumerate((*states, "of a later version")):
        store.client.hset("teep:periodic:runs:nightly", f"{number:024x}", f"17{number:02}000000 1700000000 {state}")
    text = text_of(visitor.get("/periodic/nightly"))
    words = [
        "succeeded", "dead", "failed, discarded", "too late, dropped", "cancelled", "deleted",
        "stopped by a middleware", "missed",
        "skipped: the one before was not over", "skipped: an identical job has the lock",
    ]  # fmt: skip
    assert [word for word in words if word not in text] == []


FORM = {
    "name": "tenant-7", "schedule": "*/5 * * * *", "tz": "Asia/Tokyo", "class": "Poll", "args": "[7]", "queue": "low",
}  # fmt: skip


def test_one_is_created_and_changed(visitor: Visitor, entries: teep.PeriodicSet) -> None:
    assert "Create a periodic job" in text_of(visitor.get("/periodic/-/new"))
    saved = visitor.post("/periodic/-/new", FORM)
    assert saved.url.path == "/periodic/tenant-7"
    assert "tenant-7 is saved." in text_of(saved)
    made = entries.get("tenant-7")
    assert made is not None
    assert (made.schedule, made.tz, made.klass, made.args, made.queue, made.source) == (
        "*/5 * * * *", "Asia/Tokyo", "Poll", [7], "low", "dynamic",
    )  # fmt: skip
    visitor.post("/periodic/nightly", {"pause": "yes"})
    form = visitor.get("/periodic/nightly/edit")
    assert 'value="30 4 * * *"' in form.text
    assert "[7, &#34;x&#34;]" in form.text
    changed = {**FORM, "name": "ignored", "schedule": "0 5 * * *", "tz": "", "class": "app.Nightly"}
    assert visitor.post("/periodic/nightly/edit", changed).url.path == "/periodic/nightly"
    nightly = entries.get("nightly")
    assert nightly is not None
    assert (nightly.schedule, nightly.tz, nightly.args, nightly.catch_up, nightly.paused) == (
        "0 5 * * *", "UTC", [7], "all", True,
    )  # fmt: skip
    assert entries.get("ignored") is None


def test_a_job_of_this_process_keeps_its_options(
    visitor: Visitor, entries: teep.PeriodicSet, own_registry: None
) -> None:
    @teep.job(name="Report", queue="reports", retry=3)
    def report(year: int) -> None: ...

    visitor.post("/periodic/-/new", {**FORM, "class": "Report", "args": "[2026]", "queue": ""})
    made = entries.get("tenant-7")
    assert made is not None
    assert (made.queue, made._entry.job["retry"]) == ("reports", 3)
    refused = visitor.post("/periodic/-/new", {**FORM, "name": "b", "class": "Report", "args": "[]"})
    assert refused.status_code == 400
    assert "year" in text_of(refused)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "a periodic job has a name"),
        ({"class": ""}, "a job has a class"),
        ({"schedule": "0 4 31 2 *"}, "never fires"),
        ({"schedule": ""}, "a schedule is a string"),
        ({"tz": "Europe/Prag"}, "did you mean 'Europe/Prague'?"),
        ({"args": "{}"}, "arguments are a JSON array"),
        ({"args": "[NaN]"}, "NaN is no JSON"),
        ({"args": "[" * 20_000}, "Nothing was saved"),
        ({"name": "nightly"}, "there is a periodic job nightly already"),
        ({"name": "declared"}, "there is a periodic job declared already"),
    ],
)
def test_what_cannot_be_is_said_and_kept_in_the_form(
    visitor: Visitor, entries: teep.PeriodicSet, changes: dict[str, str], words: str
) -> None:
    before = entries.size()
    answer = visitor.post("/periodic/-/new", {**FORM, **changes})
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert 'value="low"' in answer.text
    assert entries.size() == before


def test_what_code_declares_is_not_changed_here(visitor: Visitor, entries: teep.PeriodicSet) -> None:
    page = visitor.get("/periodic/declared")
    assert "/edit" not in page.text
    assert "Delete" not in text_of(page)
    assert visitor.get("/periodic/declared/edit").status_code == 404
    assert visitor.post("/periodic/declared/edit", FORM).status_code == 404


def test_one_is_deleted(visitor: Visitor, entries: teep.PeriodicSet) -> None:
    assert 'data-ask="Delete this periodic job?' in visitor.get("/periodic/nightly").text
    assert "nightly is deleted." in text_of(visitor.post("/periodic/nightly", {"delete": "yes"}))
    assert entries.get("nightly") is None
    assert "There is no periodic job nightly." in text_of(visitor.post("/periodic/nightly", {"delete": "yes"}))


def test_roles_hold_and_actions_are_recorded(visit: MakeVisitor, config: teep.Config, entries: Any) -> None:
    heard: list[dict[str, Any]] = []
    config.on("audit", heard.append)
    viewer = visit(authorize=lambda _: VIEWER)
    assert "<button" not in viewer.get("/periodic").text.split("<main")[1].split("</main>")[0]
    for verb in ("pause", "run", "delete"):
        assert viewer.post("/periodic/nightly", {verb: "yes"}).status_code == 403
        answer = viewer.ask("POST", "/api/periodic/nightly", json={"action": verb}, headers=OURS)
        assert answer.status_code == 403
    operator = visit(authorize=lambda _: Access(act=OPERATOR.act, who="bob"))
    assert operator.post("/periodic/nightly", {"pause": "yes"}).status_code == 200
    assert operator.post("/periodic/nightly", {"delete": "yes"}).status_code == 403
    for path in ("/periodic/-/new", "/periodic/nightly/edit"):
        assert operator.get(path).status_code == 403
        assert operator.post(path, FORM).status_code == 403
    assert operator.ask("POST", "/api/periodic", json=BODY, headers=OURS).status_code == 403
    admin = visit(authorize=lambda _: Access(act=ADMIN.act, who="ann"))
    admin.post("/periodic/-/new", FORM)
    admin.post("/periodic/tenant-7/edit", FORM)
    admin.post("/periodic/tenant-7", {"delete": "yes"})
    told = [(one["who"], one["verb"], one["where"], one["filter"], one["of"]) for one in heard]
    assert told == [
        ("bob", "pause", "periodic/nightly", "", "entries"),
        ("ann", "create", "periodic/tenant-7", "class:Poll", "entries"),
        ("ann", "edit", "periodic/tenant-7", "class:Poll", "entries"),
        ("ann", "delete", "periodic/tenant-7", "", "entries"),
    ]


def test_another_site_cannot_act(visitor: Visitor, entries: teep.PeriodicSet) -> None:
    for path, form in (("/periodic/nightly", {"pause": "yes"}), ("/periodic/-/new", FORM)):
        assert visitor.post(path, form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert entries.size() == 3


BODY = {"name": "api", "schedule": "@daily", "class": "Poll", "args": [1]}


def test_programs_read_and_act(visitor: Visitor, entries: teep.PeriodicSet, store: Server) -> None:
    listed = visitor.get("/api/periodic").json()["periodic"]
    assert [one["name"] for one in listed] == [NAME, "declared", "nightly"]
    assert (listed[0]["key"], listed[2]["tz"], len(listed[2]["next_runs"])) == (PATH[10:], "Europe/Prague", 5)
    made = visitor.ask("POST", "/api/periodic", json=BODY, headers=OURS).json()
    assert (made["name"], made["arguments"], made["source"]) == ("api", "1", "dynamic")
    jid = visitor.ask("POST", "/api/periodic/api", json={"action": "run"}, headers=OURS).json()["jid"]
    assert visitor.get("/api/periodic/api").json()["history"][0]["jid"] == jid
    assert visitor.ask("POST", "/api/periodic/api", json={"action": "pause"}, headers=OURS).json() == {"jid": None}
    assert visitor.get("/api/periodic/api").json()["paused"] is True
    assert visitor.ask("POST", "/api/periodic/api", json={"action": "delete"}, headers=OURS).status_code == 200
    assert visitor.get("/api/periodic/api").status_code == 404
    verbs: list[dict[str, Any]] = [{}, {"action": "go"}, {"action": 1}]
    for wrong in verbs:
        assert visitor.ask("POST", "/api/periodic/nightly", json=wrong, headers=OURS).status_code == 400
    changes: list[dict[str, Any]] = [{"schedule": "x"}, {"args": {}}, {"name": 1}, {"name": "nightly"}]
    for change in changes:
        assert visitor.ask("POST", "/api/periodic", json={**BODY, **change}, headers=OURS).status_code == 400
    assert visitor.ask("POST", "/api/periodic/nope", json={"action": "pause"}, headers=OURS).status_code == 404


def test_prometheus_tells_what_is_late(visitor: Visitor, entries: teep.PeriodicSet, store: Server) -> None:
    store.client.hset("teep:periodic:last", NAME, repr(created_tick(entries)))
    store.client.sadd("teep:periodic:paused", "nightly")
    text = visitor.get("/prometheus").text
    assert 'teep_periodic_late_seconds{name="nightly"} 0' in text
    late = re.search(r'teep_periodic_late_seconds\{name="a/b <x>"\} ([\d.]+)', text)
    assert late is not None
    assert float(late[1]) > 0
    assert 'teep_periodic_last_run_timestamp_seconds{name="a/b <x>"}' in text


def created_tick(entries: teep.PeriodicSet) -> float:
    """Let the entry of every ten minutes have begun an hour ago; returns its tick of fifty minutes ago."""
    entry = entries.get(NAME)
    assert entry is not None
    since = float(int(entry._entry.since)) - 3600
    driver = driver_for(entries.config)
    driver.execute(wire.hset(keys.periodic(), {NAME: entry._entry._replace(since=since).written()}))
    return since + 600


def test_a_zone_that_is_unknown_here_hides_no_page(
    visitor: Visitor, entries: teep.PeriodicSet, store: Server
) -> None:
    raw: bytes = store.command("HGET", "teep:periodic", "nightly")
    store.client.hset("teep:periodic", "nightly", raw.replace(b"Europe/Prague", b"Mars/Base"))
    for path in ("/periodic", "/periodic/nightly"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "Mars/Base" in text_of(page)
    assert visitor.get("/api/periodic/nightly").json()["next_runs"] == []
    assert visitor.get("/prometheus").status_code == 200


def test_a_scrape_without_them_asks_once_a_minute(
    visitor: Visitor, store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.web.json.gauges._KEPT", 0)
    with asked() as commands:
        visitor.get("/prometheus")
        visitor.get("/prometheus")
    keys_asked = [key for command in commands for key in command.keys if "periodic" in key or "teep:limit" in key]
    assert sorted(keys_asked) == ["teep:limits", "teep:periodic"]
