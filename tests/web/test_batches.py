"""Batches on pages and for programs: what became of their jobs, their events and family; and what is done to them."""

import json
import re
from typing import Any

import pytest

import teep
from teep.web import OPERATOR, VIEWER, Access
from teep.web.pages.batches import actions
from tests.api.trips import asked, sent
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import MakeVisitor, payload
from tests.web.test_hostile import XSS
from tests.web.visitor import OURS, Visitor, links, text_of


def made(config: teep.Config, jobs: int = 1, **options: Any) -> teep.Batch:
    """A batch of so many jobs, which wait in the queue "q"."""
    batch = teep.Batch(config=config, **options).on("finish", "Told", 1)
    with batch.jobs():
        if jobs:
            teep.Client(config).push_bulk({"class": "Row", "args": [[n] for n in range(jobs)], "queue": "q"})
    return batch


def fail(store: Server, batch: teep.Batch, retried: int = 0, dead: int = 0) -> None:
    """Let some of its jobs have failed, as a worker leaves them."""
    own = [raw for raw in store.command("LRANGE", "queue:q", 0, -1) if json.loads(raw)["bid"] == batch.bid]
    for key, count, sets in (("retry", retried, ("failed",)), ("dead", dead, ("failed", "dead"))):
        for raw in [own.pop() for _ in range(count)]:
            store.client.lrem("queue:q", 1, raw)
            store.client.zadd(key, {raw: 4e9})
            for name in sets:
                store.client.sadd(f"{{teep:batch:{batch.bid}}}:{name}", json.loads(raw)["jid"])


@pytest.fixture
def mixed(config: teep.Config, store: Server) -> teep.Batch:
    """A batch of ten jobs: one is dead, two fail, one is discarded, six wait."""
    batch = made(config, 10, description="import 7", tags=["eu", "night"])
    fail(store, batch, retried=2, dead=1)
    ((jid, *_), *_) = [[job.jid] for job in teep.Queue("q", config=config)]
    teep.Queue("q", config=config).where(jids=[jid]).delete_all()
    return batch


def test_batches_are_listed_the_newest_first(visitor: Visitor, config: teep.Config, mixed: teep.Batch) -> None:
    done = made(config, 0)
    page = visitor.get("/batches")
    assert re.findall(r'<tr id="batch-(\w+)"', page.text) == [done.bid, mixed.bid]
    text = text_of(page)
    assert f"import 7 eu night {mixed.bid} with dead jobs 0 succeeded, 1 discarded, 1 dead, 2 failing, 6 wait" in text
    assert "waiting or running 20 % 10 6 2 1 1 just now" in text
    assert re.search(rf"{done.bid} succeeded .* 100 % 0 0 0 0 0", text)
    assert f"/batches/{mixed.bid}" in links(page)


@pytest.mark.parametrize(
    ("query", "found"),
    [("tag=eu", "a"), ("tag=eu&state=running", "a"), ("state=success", "bc"), ("tag=e", ""), ("state=x", "abc")],
)  # fmt: skip
def test_some_are_chosen_by_tag_and_state(visitor: Visitor, config: teep.Config, query: str, found: str) -> None:
    made(config, 1, description="a", tags=["eu"])
    for name in "bc":
        made(config, 0, description=name)
    page = visitor.get(f"/batches?{query}")
    assert sorted(re.findall(r'<a href="\./batches/\w+">(\w)</a>', page.text)) == list(found)
    assert ("No batch is like that" in text_of(page)) is (not found)


def test_a_long_list_has_pages_and_a_search_goes_on(visitor: Visitor, config: teep.Config) -> None:
    for number in range(60):
        made(config, 0, tags=["odd"] if number % 2 else [])
    numbers = [len(re.findall('<tr id="batch-', visitor.get(f"/batches?page={page}").text)) for page in (1, 3, 9)]
    assert numbers == [25, 10, 10]
    assert "51\u201360 of 60" in text_of(visitor.get("/batches?page=9"))
    page, seen = visitor.get("/batches?tag=odd"), []
    assert "Searched 50 of 60 so far" in text_of(page) or "Searched 49 of 60 so far" in text_of(page)
    while True:
        seen += re.findall(r'<tr id="batch-(\w+)"', page.text)
        following = [link for link in links(page) if "from=" in link]
        if not following:
            break
        page = visitor.get(following[0])
    assert len(seen) == len(set(seen)) == 30


def test_without_batches_there_is_no_tab_and_the_page_says_how_to_begin(
    visit: MakeVisitor, config: teep.Config, store: Server
) -> None:
    visitor = visit()
    with asked() as commands:
        assert "Batches" not in text_of(visitor.get("/queues"))
        visitor.get("/queues")
    assert len([one for one in commands if "teep:batches" in one.keys]) == 1, "once a minute"
    assert "There are no batches" in text_of(visitor.get("/batches"))
    made(config)
    assert re.search(r'<a href="\./batches">Batches</a>', visit().get("/queues").text)
    store.client.set("teep:batches", "no set")
    assert re.search(r'<a href="\./batches">Batches</a>', visit().get("/queues").text), "no other page is broken"


def test_one_shows_what_became_of_its_jobs_and_its_events(visitor: Visitor, mixed: teep.Batch, store: Server) -> None:
    page = visitor.get(f"/batches/{mixed.bid}")
    text = text_of(page)
    assert "import 7 with dead jobs eu night" in text
    assert "Jobs 10 Succeeded 0 Waiting or running 6 Failing 2 Dead 1 Discarded 1" in text
    assert {f"/retries?q=bid%3A{mixed.bid}", f"/dead?q=bid%3A{mixed.bid}"} <= links(page)
    rows = re.findall(
        r'<a href="\.\./jobs/(\w+)"><code>\1</code></a></th><td><span class="state is-(\w+)">', page.text
    )
    assert sorted(kind for _, kind in rows) == ["bad", "warn", "warn"]
    assert visitor.get(f"/jobs/{rows[0][0]}").status_code == 200
    assert re.search(r"finish all are over for good not yet Told [0-9a-f]{24}", text)
    assert "This" not in text
    assert not re.search('id="(is-invalid|is-abandoned|is-open|children)"', page.text)
    assert visitor.get(f"/retries?q=bid:{mixed.bid}").text.count('name="key"') == 2
    assert visitor.get(f"/retries?q=bid:{'0' * 24}").text.count('name="key"') == 0


def test_one_that_is_over_leads_to_its_callbacks(visitor: Visitor, config: teep.Config) -> None:
    batch = made(config, 0)
    page = visitor.get(f"/batches/{batch.bid}")
    (jid,) = re.findall(r'<a href="\.\./jobs/(\w+)">Told</a>', page.text)
    job = visitor.get(f"/jobs/{jid}")
    assert f"Callback of the batch {batch.bid}" in text_of(job)
    assert f"/batches/{batch.bid}" in links(job)
    assert not re.search('name="(retry|reconcile|invalidate)"', page.text), "there is nothing left to do it to"


def test_it_shows_its_family_and_what_holds_it(visitor: Visitor, config: teep.Config, store: Server) -> None:
    parent = made(config, 1, description="release")
    child = made(config, 2, description="checks", parent=parent)
    store.client.hset(f"{{teep:batch:{parent.bid}}}", mapping={"abandoned": 1, "invalid": 1})
    store.client.zadd(f"{{teep:batch:{parent.bid}}}:openers", {"token": 4e12})
    page = visitor.get(f"/batches/{parent.bid}")
    assert f"/batches/{child.bid}" in links(page)
    text = text_of(page)
    assert "Child batches 1 has not finished." in text
    assert "It is invalid" in text
    assert "never closed" in text
    assert "1 block still adds jobs" in text
    assert f"/batches/{parent.bid}" in links(visitor.get(f"/batches/{child.bid}"))
    assert "release" in text_of(visitor.get(f"/batches/{child.bid}"))
    (job, *_) = [job.jid for job in teep.Queue("q", config=config) if job.bid == child.bid]
    assert f"/batches/{child.bid}" in links(visitor.get(f"/jobs/{job}"))


def test_the_page_of_a_large_one_is_cheap(visitor: Visitor, config: teep.Config, store: Server) -> None:
    batch = made(config, 1)
    key = f"{{teep:batch:{batch.bid}}}"
    for name in ("pending", "failed", "dead", "children", "fallen"):
        for start in range(0, 20_000, 1_000):
            store.client.sadd(f"{key}:{name}", *(f"{number:024x}" for number in range(start, start + 1_000)))
    visitor.get("/queues")
    with asked() as commands, sent() as trips:
        page = visitor.get(f"/batches/{batch.bid}")
    every = [each for one in commands for each in getattr(one, "commands", [one])]
    used = {one.args[0] for one in every if batch.bid in str(one.keys)}
    assert used == {"HGETALL", "HLEN", "SCARD", "SSCAN", "ZCARD", "PTTL"}
    assert len(trips) <= 3
    assert len(page.text) < 60_000
    assert "25 of 20,000" in text_of(page)


def test_its_jobs_are_skipped_sent_back_and_looked_for(
    visitor: Visitor, config: teep.Config, store: Server, mixed: teep.Batch
) -> None:
    path = f"/batches/{mixed.bid}"
    assert "3 jobs go to their queues." in text_of(visitor.post(path, {"retry": "yes"}))
    assert store.client.zcard("retry") == store.client.zcard("dead") == 0
    store.client.ltrim("queue:q", 2, -1)
    assert "2 jobs were nowhere, and count as discarded." in text_of(visitor.post(path, {"reconcile": "yes"}))
    answer = visitor.post(path, {"invalidate": "yes"})
    assert "Workers skip its jobs from now on." in text_of(answer)
    assert 'name="invalidate"' not in answer.text
    status = teep.BatchStatus(mixed.bid, config=config)
    assert (status.invalid, status.discarded) == (True, 3)
    assert "The batch is forgotten." in text_of(visitor.post(path, {"delete": "yes"}))
    assert not teep.BatchStatus(mixed.bid, config=config).is_known
    assert visitor.get(path).status_code == visitor.post(path, {"retry": "yes"}).status_code == 404
    assert visitor.post(path, {"go": "yes"}).status_code == 400


def test_many_jobs_are_looked_for_in_the_background(
    visitor: Visitor, config: teep.Config, store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_SOUGHT_AT_ONCE", 2)
    batch = made(config, 3, description="rows")
    store.client.delete("queue:q")
    page = visitor.post(f"/batches/{batch.bid}", {"reconcile": "yes"})
    assert page.url.path.startswith("/actions/")
    assert "Look for lost jobs (3)" in text_of(page)
    assert f"/batches/{batch.bid}" in links(page)
    path = page.url.path
    wait_until(lambda: "3 jobs were nowhere" in text_of(visitor.get(path)), 20, "all of them to be looked for")
    assert teep.BatchStatus(batch.bid, config=config).state == "finished"


def test_roles_hold_and_actions_are_recorded(
    visit: MakeVisitor, config: teep.Config, mixed: teep.Batch, store: Server
) -> None:
    heard: list[dict[str, Any]] = []
    config.on("audit", heard.append)
    path = f"/batches/{mixed.bid}"
    viewer = visit(authorize=lambda _: VIEWER)
    assert "<button" not in viewer.get(path).text.split("<h1>")[1].split("</main>")[0]
    operator = visit(authorize=lambda _: Access(act=OPERATOR.act, who="bob"))
    assert 'name="delete"' not in operator.get(path).text
    for visitor, verbs in ((viewer, actions.VERBS), (operator, ("delete",))):
        for verb in verbs:
            assert visitor.post(path, {verb: "yes"}).status_code == 403
            assert visitor.ask("POST", f"/api{path}", json={"action": verb}, headers=OURS).status_code == 403
    assert visit().post(path, {"delete": "yes"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert heard == []
    operator.post(path, {"invalidate": "yes"})
    operator.ask("POST", f"/api{path}", json={"action": "retry"}, headers=OURS)
    told = [(one["who"], one["verb"], one["where"], one["filter"], one["count"], one["of"]) for one in heard]
    assert told == [
        ("bob", "invalidate", f"batches/{mixed.bid}", "", 1, "batches"),
        ("bob", "retry", f"batches/{mixed.bid}", f"bid:{mixed.bid}", 3, "jobs"),
    ]
    assert visit(read_only=True).post(path, {"retry": "yes"}).status_code == 403


def test_programs_read_and_change_them(visitor: Visitor, config: teep.Config, mixed: teep.Batch) -> None:
    found = visitor.get("/api/batches?tag=eu").json()
    assert (found["total"], found["looked_at"], found["next"]) == (1, 1, None)
    (one,) = visitor.get("/api/batches").json()["batches"]
    numbers = [one[name] for name in ("total", "pending", "failures", "dead", "discarded", "progress", "state")]
    assert numbers == [10, 9, 3, 1, 1, 0.2, "dead"]
    whole = visitor.get(f"/api/batches/{mixed.bid}").json()
    assert whole.items() >= one.items()
    assert [len(whole[name]) for name in ("failed_jids", "dead_jids", "children")] == [2, 1, 0]
    assert [callback["class"] for callback in whole["callbacks"]] == ["Told"]
    assert whole["events"] == {"complete": None, "success": None, "finish": None, "death": None}
    answer = visitor.ask("POST", f"/api/batches/{mixed.bid}", json={"action": "retry"}, headers=OURS)
    assert answer.json() == {"done": 3, "action": None}
    assert visitor.get("/api/batches?state=x").status_code == 400
    assert visitor.get("/api/batches/nope").status_code == 404
    for wrong in ({"action": "go"}, {}):
        assert visitor.ask("POST", f"/api/batches/{mixed.bid}", json=wrong, headers=OURS).status_code == 400


def test_a_bid_of_another_program_leads_nowhere(visitor: Visitor, store: Server) -> None:
    store.client.zadd("retry", {payload(1, bid="LBnbJr0O3hK2Ug", callback_of=7, node="x"): 1e9})
    page = visitor.get(f"/jobs/{1:024x}")
    assert not any("/batches/" in link or "/workflows/" in link for link in links(page))
    assert "LBnbJr0O3hK2Ug" in text_of(page)


def test_whatever_lies_in_a_batch_is_shown_as_text(visitor: Visitor, config: teep.Config, store: Server) -> None:
    strange = made(config, 1, description=XSS, tags=[XSS])
    damaged, odd = made(config), made(config)
    store.client.hset(
        f"{{teep:batch:{damaged.bid}}}", mapping={"about": b"\xff no JSON", "total": "x", "created_at": "1e300"}
    )
    store.client.hset(f"{{teep:batch:{odd.bid}}}", "about", '{"description":7,"tags":[1,{"a":"\\ud800"}]}')
    with teep.Batch(config=config, description="x").on("finish", XSS, XSS).jobs() as _:
        pass
    for path in ("/batches", "/batches?tag=<b>", "/api/batches"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text or path.startswith("/api")
    for bid in re.findall(r'<tr id="batch-(\w+)"', visitor.get("/batches").text):
        for path in (f"/batches/{bid}", f"/api/batches/{bid}"):
            page = visitor.get(path)
            assert (path, page.status_code) == (path, 200)
            assert "<script>alert" not in page.text or path.startswith("/api")
    assert strange.bid in visitor.get("/batches").text
