"""Workflows on pages and for programs: the graph, what each node waits for, and what is done to them."""

import re
from typing import Any

import pytest

import teep
from teep.config import driver_for
from teep.store import batches
from teep.web import OPERATOR, VIEWER, Access
from teep.web.pages.workflows import actions
from tests.web.conftest import MakeVisitor
from tests.web.test_hostile import XSS
from tests.web.visitor import OURS, Visitor, links, text_of


@pytest.fixture
def step(own_registry: None) -> Any:
    return teep.job(name="app.step", queue="q")(_step)


def _step(word: str = "") -> None: ...


def release(config: teep.Config, step: Any, **options: Any) -> teep.Workflow:
    """build, then the group test of two, then publish; clean whatever happens; report if the tests are skipped."""
    workflow = teep.Workflow("release 7", config=config, tags=["release"], **options)
    built = workflow.add("build", step.s("b"))
    tests = workflow.add_many("test", [step.s("unit"), step.s("lint")], after=built)
    workflow.add("publish", step.s("p").set(wait=90), after=tests)
    workflow.add("clean", step.s("c"), after=[built, tests], when="always")
    workflow.add("report", step.s("r"), after={tests: "skip"})
    workflow.start()
    return workflow


def end(config: teep.Config, workflow: teep.Workflow, name: str, how: Any = "done") -> None:
    """Let a node end, as a worker would: its job is in no queue any more."""
    jid = teep.WorkflowStatus(workflow.bid, config=config).node(name).jid
    if how == "dead":
        teep.Queue("q", config=config).where(jids=[jid]).kill_all()
    elif how == "deleted":
        teep.Queue("q", config=config).where(jids=[jid]).delete_all()
    else:
        raw = next(job.raw for job in teep.Queue("q", config=config) if job.jid == jid)
        driver_for(config).run(batches.act(batches.ended(workflow.bid, jid, "done", node=name)))
        driver_for(config).run(_gone(raw))


async def _gone(raw: bytes) -> None:
    from teep.wire import commands, keys

    await commands.lrem(keys.queue("q"), 1, raw)


def boxes(page: Any) -> dict[str, str]:
    """The titles of a graph's boxes, by the state that each shows."""
    found = re.findall(r'class="node is-(\w+)" transform="[^"]*"><title>(.*?)</title>', page.text, re.DOTALL)
    return {re.sub(r",? (just now|\d+ s ago)", "", " ".join(title.split())): state for state, title in found}


def test_they_are_listed_and_chosen(visitor: Visitor, config: teep.Config, step: Any) -> None:
    assert "There are no workflows" in text_of(visitor.get("/workflows"))
    first, chain = release(config, step), teep.chain(step.s("1"), step.s("2"), config=config).start()
    page = visitor.get("/workflows")
    assert re.findall(r'<tr id="batch-(\w+)"', page.text) == [chain.bid, first.bid]
    assert f"release 7 release {first.bid} running" in text_of(page)
    assert f"/workflows/{first.bid}" in links(page)
    for query, found in (
        ("tag=release", [first.bid]),
        ("state=failed", []),
        ("state=running", [chain.bid, first.bid]),
    ):
        assert re.findall(r'<tr id="batch-(\w+)"', visitor.get(f"/workflows?{query}").text) == found
    assert f"/workflows/{first.bid}" in links(visitor.get("/batches")), "a workflow is a batch, too"
    assert re.search(r'<a href="\./workflows">Workflows</a>', visitor.get("/queues").text) is None, (
        "asked a minute ago"
    )


def test_the_graph_tells_what_each_node_waits_for(visitor: Visitor, config: teep.Config, step: Any) -> None:
    workflow = release(config, step)
    end(config, workflow, "build")
    end(config, workflow, "test.1", "dead")
    page = visitor.get(f"/workflows/{workflow.bid}")
    assert boxes(page) == {
        "build (app.step): succeeded": "succeeded",
        "test.1 (app.step): failed": "failed",
        "test.2 (app.step): queued / running": "pushed",
        "publish (app.step): never pushed": "cancelled",
        "clean (app.step): waiting. Waits for test.2": "waiting",
        "report (app.step): waiting. Waits for test.2": "waiting",
    }
    assert page.text.count('marker-end="url(#arrow)"') == 9
    assert page.text.count('<path class="is-always') - 1 == 3
    assert page.text.count("is-open") == 2
    status = teep.WorkflowStatus(workflow.bid, config=config)
    assert f"/jobs/{status.node('test.2').jid}" in links(page)
    assert f"/jobs/{status.node('build').jid}" not in links(page), "its job is gone"
    job = visitor.get(f"/jobs/{status.node('test.1').jid}")
    assert f"Workflow {workflow.bid} · test.1" in text_of(job)


def test_nodes_are_listed_and_narrowed_down(visitor: Visitor, config: teep.Config, step: Any) -> None:
    workflow = release(config, step)
    path = f"/workflows/{workflow.bid}"

    def listed(query: str = "") -> list[str]:
        return re.findall(r'<tr id="node-([\w.]+)"', visitor.get(path + query).text)

    assert listed() == ["build", "test.1", "test.2", "publish", "clean", "report"]
    assert listed("?state=pushed") == ["build"]
    assert listed("?group=test") == ["test.1", "test.2"]
    assert listed("?q=PUB") == ["publish"]
    assert listed("?layers=0-0") == ["build"]
    assert listed("?layers=2-2") == ["publish", "clean", "report"]
    assert listed("?layers=x&page=99") == listed()
    assert "No node is like that" in text_of(visitor.get(f"{path}?q=nope"))
    text = text_of(visitor.get(path))
    assert re.search(r"publish app.step waiting (just now|\d+ s ago) build", text) is None
    assert re.search(r"publish app.step waiting (just now|\d+ s ago) test.1 , test.2 then 90 s more test ", text)
    assert "waiting 5 " in text


def test_nodes_run_again_and_a_workflow_is_cancelled(visitor: Visitor, config: teep.Config, step: Any) -> None:
    workflow = release(config, step)
    path = f"/workflows/{workflow.bid}"
    status = teep.WorkflowStatus(workflow.bid, config=config)
    end(config, workflow, "build", "deleted")
    page = visitor.get(path)
    assert re.findall('name="retry" value="([^"]+)"', page.text) == ["build", "test.1", "test.2", "publish", "report"]
    assert "The node build runs again." in text_of(visitor.post(path, {"retry": "build"}))
    status.refresh()
    assert status.node("build").state == "pushed"
    assert "Nothing was done" in text_of(visitor.post(path, {"retry": "build"}))
    assert visitor.post(path, {"retry": "nope"}).status_code == 404
    end(config, workflow, "build", "dead")
    assert re.search(r"\d nodes run again", text_of(visitor.post(path, {"retry_rest": "yes"})))
    assert "The workflow is cancelled." in text_of(visitor.post(path, {"cancel": "yes"}))
    status.refresh()
    assert status.state == "cancelled"
    assert "The workflow is forgotten." in text_of(visitor.post(path, {"delete": "yes"}))
    assert visitor.get(path).status_code == visitor.post(path, {"cancel": "yes"}).status_code == 404
    assert visitor.get("/workflows/nope").status_code == 404


def test_a_batch_is_no_workflow_but_a_workflow_is_a_batch(visitor: Visitor, config: teep.Config, step: Any) -> None:
    batch = teep.Batch(config=config)
    with batch.jobs():
        pass
    assert visitor.get(f"/workflows/{batch.bid}").status_code == 404
    workflow = release(config, step)
    page = visitor.get(f"/batches/{workflow.bid}")
    assert f"/workflows/{workflow.bid}" in links(page)


@pytest.mark.parametrize("shape", ["barriers", "chain", "wide"])
def test_a_large_one_is_drawn_in_parts(visitor: Visitor, config: teep.Config, step: Any, shape: str) -> None:
    workflow = teep.Workflow("large", config=config)
    last: Any = None
    for layer in range({"barriers": 8, "chain": 400, "wide": 1}[shape]):
        if shape == "chain":
            last = workflow.add(f"n{layer}", step.s(), after=last)
        else:
            last = workflow.add_many(f"g{layer}", [step.s()] * (50 if shape == "barriers" else 400), after=last)
    workflow.start()
    page = visitor.get(f"/workflows/{workflow.bid}")
    found = boxes(page)
    assert len(found) <= 300
    assert len(page.text) < 200_000
    assert "Too many nodes to draw each" in text_of(page)
    assert 'id="graph" data-every="20"' in page.text
    if shape == "barriers":
        assert found["g0: 50 queued / running"] == "many"
        assert found["g7: 50 waiting"] == "many"
        assert page.text.count('class="gate"') == 7
    following = [link for link in links(page) if "group=" in link or "layers=" in link]
    assert all("Only nodes of the" in text_of(visitor.get(link)) for link in following[:2])
    assert following or shape == "chain"


def test_roles_hold_and_actions_are_recorded(visit: MakeVisitor, config: teep.Config, step: Any) -> None:
    workflow = release(config, step)
    end(config, workflow, "build", "deleted")
    heard: list[dict[str, Any]] = []
    config.on("audit", heard.append)
    path = f"/workflows/{workflow.bid}"
    viewer = visit(authorize=lambda _: VIEWER)
    shown = viewer.get(path).text.split("<h1>")[1].split("</main>")[0]
    assert re.findall('<button[^>]*name="([^"]*)"', shown) == []
    operator = visit(authorize=lambda _: Access(act=OPERATOR.act, who="bob"))
    for visitor, verbs in ((viewer, actions.VERBS), (operator, ("delete",))):
        for verb in verbs:
            assert visitor.post(path, {verb: "build"}).status_code == 403
            body = {"action": verb, "node": "build"}
            assert visitor.ask("POST", f"/api{path}", json=body, headers=OURS).status_code == 403
    assert heard == []
    operator.post(path, {"retry": "build"})
    operator.ask("POST", f"/api{path}", json={"action": "cancel"}, headers=OURS)
    told = [(one["who"], one["verb"], one["where"], one["filter"], one["count"], one["of"]) for one in heard]
    assert told == [
        ("bob", "retry", f"workflows/{workflow.bid}", "build", 1, "nodes"),
        ("bob", "cancel", f"workflows/{workflow.bid}", "", 1, "workflows"),
    ]


def test_programs_read_and_change_them(visitor: Visitor, config: teep.Config, step: Any) -> None:
    workflow = release(config, step)
    (one,) = visitor.get("/api/workflows?tag=release").json()["workflows"]
    assert (one["name"], one["state"], one["total"], one["progress"]) == ("release 7", "running", 6, 0.0)
    whole = visitor.get(f"/api/workflows/{workflow.bid}").json()
    assert (whole["states"]["waiting"], whole["groups"], whole["matching"]) == (5, {"test": ["test.1", "test.2"]}, 6)
    clean = next(node for node in whole["nodes"] if node["name"] == "clean")
    assert (clean["after"], clean["waits_for"]) == (
        {"build": "always", "test": "always"}, ["build", "test.1", "test.2"],
    )  # fmt: skip
    assert len(visitor.get(f"/api/workflows/{workflow.bid}?state=pushed").json()["nodes"]) == 1
    path = f"/api/workflows/{workflow.bid}"
    end(config, workflow, "build", "deleted")
    assert visitor.ask("POST", path, json={"action": "retry", "node": "build"}, headers=OURS).json() == {"done": 1}
    for wrong in ({"action": "retry"}, {"action": "go"}, {}):
        assert visitor.ask("POST", path, json=wrong, headers=OURS).status_code == 400
    assert visitor.ask("POST", path, json={"action": "retry", "node": "x"}, headers=OURS).status_code == 404
    assert visitor.get("/api/workflows?state=x").status_code == 400
    assert visitor.get("/api/workflows/nope").status_code == 404


def test_names_are_text_whatever_they_are(visitor: Visitor, config: teep.Config, step: Any) -> None:
    name = XSS.replace("\0", "")
    workflow = teep.Workflow(name, config=config, tags=[XSS])
    group = workflow.add_many(name, [step.s()] * 3)
    for number in range(9):
        workflow.add(f"{name}{number}", step.s(), after=group)
    workflow.start()
    for path in ("/workflows", f"/workflows/{workflow.bid}", f"/workflows/{workflow.bid}?q=%3Cscript&group=%3Cb%3E"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
    (key, *_) = re.findall('<tr id="node-([^"]+)"', visitor.get(f"/workflows/{workflow.bid}").text)
    teep.Queue("q", config=config).clear()
    told = text_of(visitor.post(f"/workflows/{workflow.bid}", {"retry": key}))
    assert f"The node {name}.1 runs again." in told
