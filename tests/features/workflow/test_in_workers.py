"""Workflows that real workers run, and the faults of other systems that have a name here."""

import asyncio
import time
from typing import Any

import pytest

import teep
from teep.client.workflows import starting
from teep.config import driver_for
from teep.store import batches, workflows
from teep.store.batches import Opened
from teep.store.jobs.pushes import Push
from teep.store.workflows import Graph
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


class Jobs:
    """A job that notes its word, and may fail or go on with more."""

    def __init__(self) -> None:
        self.ran: list[str] = []

        @teep.job(name="flow_step", retry=0)
        def step(word: str) -> None:
            self.ran.append(word)
            if word.startswith("bad"):
                raise ZeroDivisionError
            here = teep.current_job()
            assert here is not None
            assert here.workflow is not None
            if word == "appends":
                workflow = here.workflow
                workflow.add("more", self.step.s("more"), after=workflow.node)
                workflow.start()
            if word.startswith("nests"):
                # Two levels: the node of the inner one has a child, too.
                inner = teep.Workflow(parent=here.workflow)
                inner.add("first", self.step.s("nests" if word == "nests twice" else "inner"))
                inner.add("second", self.step.s(f"last of {word}"), after="first")
                inner.start()

        self.step = step


@pytest.fixture
def jobs(own_registry: None) -> Jobs:
    return Jobs()


def graph(here: Fleet, workflow: teep.Workflow) -> Graph:
    found = driver_for(here.config).run(workflows.read(workflow.bid))
    assert found is not None
    return found


def states(here: Fleet, workflow: teep.Workflow) -> dict[str, str]:
    return {node.name: node.state for node in graph(here, workflow).nodes}


def test_a_release(here: Fleet, jobs: Jobs) -> None:
    s = jobs.step.s
    release = teep.Workflow("release", tags=["eu"])
    built = release.add("build", s("build"))
    tests = release.add_many("test", [s("unit"), s("bad lint")], after=built)
    release.add("publish", s("publish"), after=tests)
    release.add("tell", s("tell"), after="publish")
    release.add("report", s("report"), after={built: "stop", tests: "skip"})
    release.add("held", s("held"), after=tests, when="hold")
    release.add("after held", s("after held"), after="held")
    release.add("clean", s("clean"), after=[built, tests], when="always")
    release.start()
    here.start()
    status = teep.BatchStatus(release.bid)
    assert status.wait(SOON)
    assert states(here, release) == {
        "build": "succeeded",
        "test.1": "succeeded",
        "test.2": "failed",
        "publish": "cancelled",
        "tell": "cancelled",
        "report": "succeeded",
        "held": "waiting",
        "after held": "waiting",
        "clean": "succeeded",
    }
    assert jobs.ran[0] == "build"
    assert sorted(jobs.ran) == ["bad lint", "build", "clean", "report", "unit"]
    found = graph(here, release)
    assert found.name == "release"
    assert [
        workflows.waits_for(node, found.groups, found.states) for node in found.nodes if node.name.endswith("held")
    ] == [["test.2"], ["held"]]
    assert (status.state, status.total, status.tags) == ("dead", 9, ["eu"])


def test_chains_and_groups_in_each_other(here: Fleet, jobs: Jobs) -> None:
    s = jobs.step.s
    side_by_side = teep.group(s("b1"), teep.chain(s("b2"), s("b3")))
    last = teep.group(s(f"d{number}") for number in range(3))
    chain = teep.chain(s("a"), side_by_side, teep.group(), s("c"), last, name="all").start()
    here.start()
    assert teep.BatchStatus(chain.bid).wait(SOON, "success")
    assert (jobs.ran[0], jobs.ran[4]) == ("a", "c")
    assert sorted(jobs.ran[1:4]) == ["b1", "b2", "b3"]
    assert sorted(jobs.ran[5:]) == ["d0", "d1", "d2"]
    assert set(states(here, chain)) == {"1", "2.1", "2.2.1", "2.2.2", "4", "5.1", "5.2", "5.3"}


def test_a_node_that_is_due_later_goes_to_the_scheduled_set(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.Workflow()
    workflow.add("first", jobs.step.s("first"))
    workflow.add("later", jobs.step.s("later").set(wait=3600), after="first")
    before = time.time()
    workflow.start()
    here.start()
    entry = None
    while entry is None and time.time() < before + SOON:
        entry = next(iter(teep.ScheduledSet()), None)
    assert entry is not None
    assert before + 3600 <= entry.at.timestamp() <= time.time() + 3600
    assert "enqueued_at" not in entry.item
    assert entry.add_to_queue()
    assert teep.BatchStatus(workflow.bid).wait(SOON, "success")


def test_a_node_adds_nodes_while_it_runs(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.chain(jobs.step.s("appends")).start()
    here.start()
    assert teep.BatchStatus(workflow.bid).wait(SOON, "success")
    assert jobs.ran == ["appends", "more"]
    with pytest.raises(teep.BatchClosed, match=f"batch {workflow.bid} has finished"):
        _appended(workflow, jobs, "late").start()


def _appended(workflow: teep.Workflow, jobs: Jobs, name: str, after: str | None = None) -> teep.Workflow:
    again = teep.Workflow(bid=workflow.bid)
    again.add(name, jobs.step.s(name), after=after)
    return again


def test_what_cannot_be_appended(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.chain(jobs.step.s("a"), jobs.step.s("b")).start()
    with pytest.raises(teep.errors.InvalidValue, match="has a node or group '2' already"):
        _appended(workflow, jobs, "2").start()
    with pytest.raises(teep.errors.InvalidValue, match="has no node or group 'x' to come after"):
        _appended(workflow, jobs, "3", "x").start()
    assert list(states(here, workflow)) == ["1", "2"]
    batch = teep.Batch()
    with batch.jobs():
        teep.push(jobs.step.s("alone"))
    with pytest.raises(teep.errors.InvalidValue, match="is no workflow"):
        _appended(teep.Workflow(bid=batch.bid), jobs, "x").start()


def test_fault_14_nothing_waits_for_ever_where_no_policy_is_given(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.chain(jobs.step.s("bad"), jobs.step.s("b"), jobs.step.s("c")).start()
    here.start()
    assert teep.BatchStatus(workflow.bid).wait(SOON)
    assert list(states(here, workflow).values()) == ["failed", "cancelled", "cancelled"]


def test_fault_15_a_node_that_is_deleted_is_told_to_those_after_it(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.Workflow()
    workflow.add("first", jobs.step.s("first"))
    workflow.add("skips", jobs.step.s("skips"), after="first", when="skip")
    workflow.add("stops", jobs.step.s("stops"), after="first")
    workflow.start()
    (first,) = teep.Queue("default")
    assert first.delete()
    assert states(here, workflow) == {"first": "discarded", "skips": "pushed", "stops": "cancelled"}


def test_fault_17_what_comes_after_a_sub_workflow_waits_for_all_of_it(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.chain(jobs.step.s("nests twice"), jobs.step.s("after all")).start()
    here.start()
    assert teep.BatchStatus(workflow.bid).wait(SOON, "success")
    assert jobs.ran == ["nests twice", "nests", "inner", "last of nests", "last of nests twice", "after all"]


def test_a_workflow_that_is_cancelled_still_cleans_up(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.Workflow()
    workflow.add("first", jobs.step.s("first"))
    workflow.add("second", jobs.step.s("second"), after="first")
    workflow.add("clean", jobs.step.s("clean"), after="second", when="always")
    workflow.add("clean all", jobs.step.s("clean all"), after=["first", "clean"], when="always")
    workflow.start()
    driver_for(here.config).run(workflows.cancel(workflow.bid))
    here.start()
    assert teep.BatchStatus(workflow.bid).wait(SOON)
    assert list(states(here, workflow).values()) == ["discarded", "cancelled", "succeeded", "succeeded"]
    assert jobs.ran == ["clean", "clean all"]


def test_a_retry_brings_back_what_was_cancelled(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.Workflow().on("success", jobs.step, "told")
    workflow.add("first", jobs.step.s("first"))
    workflow.add_many("more", [jobs.step.s("a"), jobs.step.s("b")], after="first")
    workflow.add("last", jobs.step.s("last"), after="more")
    workflow.start()
    teep.Queue("default").clear()
    assert set(states(here, workflow).values()) == {"discarded", "cancelled"}
    assert driver_for(here.config).run(workflows.retry(workflow.bid)) == []
    assert list(states(here, workflow).values()) == ["pushed", "waiting", "waiting", "waiting"]
    here.start()
    assert teep.BatchStatus(workflow.bid).wait(SOON, "success")
    assert (jobs.ran[0], jobs.ran[3]) == ("first", "last")


@pytest.mark.slow("it has 2,500 nodes")
def test_a_large_workflow_begins_when_it_is_there_whole(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.Workflow()
    first = workflow.add_many("first", (jobs.step.s("x") for _ in range(1_200)))
    workflow.add_many("second", (jobs.step.s("x") for _ in range(1_300)), after=first)
    sent = _sent_by(workflow)
    assert [each.released is None for each in sent] == [True, True, True, False, False]
    for each in sent[:3]:
        driver_for(here.config).run(_push(each))
        assert here.server.command("LLEN", "queue:default") == 0
    driver_for(here.config).run(_push(sent[3]))
    assert here.server.command("LLEN", "queue:default") == 1_000
    driver_for(here.config).run(_push(sent[4]))
    assert here.server.command("LLEN", "queue:default") == 1_200
    here.start(concurrency=10)
    assert teep.BatchStatus(workflow.bid).wait(60, "success")
    assert len(jobs.ran) == 2_500


def test_a_large_workflow_whose_maker_dies_is_cancelled(here: Fleet, jobs: Jobs) -> None:
    workflow = teep.Workflow()
    workflow.add_many("all", (jobs.step.s("x") for _ in range(1_001)))
    driver = driver_for(here.config)
    driver.run(_push(_sent_by(workflow)[0]))
    here.server.command("DEL", f"{{teep:batch:{workflow.bid}}}:openers")  # as its lease ends
    driver.run(batches.decide(workflow.bid))
    assert set(states(here, workflow).values()) == {"cancelled"}
    assert teep.BatchStatus(workflow.bid).finished_at is not None
    assert here.server.command("EXISTS", "queue:default") == 0


def test_a_large_workflow_whose_start_is_cancelled_is_cancelled(
    here: Fleet, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the end of a task, or Ctrl-C: it does not look for an hour as if it ran."""
    former, errors = starting._send, [None, asyncio.CancelledError()]

    async def fails_once(*args: Any) -> None:
        if errors and (error := errors.pop(0)) is not None:
            raise error
        await former(*args)

    monkeypatch.setattr(starting, "_send", fails_once)
    workflow = teep.Workflow()
    workflow.add_many("all", (jobs.step.s("x") for _ in range(1_001)))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(workflow.astart())
    assert set(states(here, workflow).values()) == {"cancelled"}
    assert teep.BatchStatus(workflow.bid).finished_at is not None


def _sent_by(workflow: teep.Workflow) -> list[Opened]:
    return starting._opened(workflow, *workflow.drafts.take())


async def _push(opened: Opened) -> None:
    await Push({}, (), batches=[opened])
