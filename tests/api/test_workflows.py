"""Workflows through the data API, on either side: what a status tells of each node, verbs, and the set of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import teep
from teep.config import driver_for
from teep.errors import InvalidValue, NotHere
from teep.store import workflows
from tests.api.sides import Side
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = [pytest.mark.one_server, pytest.mark.usefixtures("own_registry")]


class Jobs:
    """A job that notes its word, and fails while that is among the `broken` ones."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.broken: set[str] = set()

        @teep.job(name="step", queue="q", retry=0, keep_result=60)
        def step(word: str) -> str:
            self.ran.append(word)
            self.inside(word)
            if word in self.broken:
                raise ZeroDivisionError
            return word * 2

        self.step = step
        self.inside: Any = lambda _: None


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def fleet(side: Side) -> Iterator[Fleet]:
    """Workers on the server of the side."""
    with Fleet(side.server) as fleet:
        yield fleet


def status(side: Side, workflow: teep.Workflow | str) -> Any:
    bid = workflow if isinstance(workflow, str) else workflow.bid
    if side.name == "sync":
        return teep.WorkflowStatus(bid, config=side.config)
    return side.run(teep.AsyncWorkflowStatus.fetch(bid, config=side.config))


def states(of: Any) -> dict[str, str]:
    return {node.name: node.state for node in of.nodes}


def release(side: Side, jobs: Jobs, **options: Any) -> teep.Workflow:
    """Build, two tests, then publish; held waits for someone to mend the tests, clean runs in any case."""
    workflow = teep.Workflow("release", config=side.config, **options)
    build = workflow.add("build", jobs.step.s("build"))
    tests = workflow.add_many("test", [jobs.step.s("unit"), jobs.step.s("lint")], after=build)
    workflow.add("publish", jobs.step.s("publish").set(wait=3600), after=tests)
    workflow.add("told", jobs.step.s("told"), after="publish")
    workflow.add("held", jobs.step.s("held"), after=tests, when="hold")
    workflow.add("clean", jobs.step.s("clean"), after={build: "skip", tests: "always"})
    return workflow.start()


def test_a_status_tells_what_each_node_is_and_waits_for(side: Side, jobs: Jobs) -> None:
    workflow = release(side, jobs, description="seven", tags=["eu"])
    found = status(side, workflow)
    assert (found.bid, found.name, found.state, found.progress, found.tags) == (
        *(workflow.bid, "release", "running", 0.0, ["eu"]),
    )
    assert (found.batch.total, found.batch.pending, found.batch.waiting, found.batch.cancelled) == (7, 1, 6, 0)
    assert (found.batch.description, found.batch.bid, type(found.batch)) == (
        *("seven", workflow.bid, side.kind("BatchStatus")),
    )
    assert states(found) == {"build": "pushed"} | dict.fromkeys(
        ("test.1", "test.2", "publish", "told", "held", "clean"), "waiting"
    )
    assert found.groups == {"test": ["test.1", "test.2"]}
    (build,) = side.lying("q")
    node = found.node("build")
    assert (node.jid, node.klass, node.queue, node.after, node.waits_for, node.group, node.delay, node.children) == (
        *(build["jid"], "step", "q", {}, [], None, 0.0, []),
    )
    assert (node.is_failing, abs((datetime.now(UTC) - node.since).total_seconds()) < 60) == (False, True)
    assert (found.node("test.1").group, found.node("test.1").waits_for) == ("test", ["build"])
    assert (found.node("publish").after, found.node("publish").delay) == ({"test": "stop"}, 3600.0)
    assert found.node("publish").waits_for == ["test.1", "test.2"]
    assert found.node("clean").after == {"build": "skip", "test": "always"}
    assert found.node("clean").waits_for == ["build", "test.1", "test.2"]
    assert repr(node) == "<NodeStatus build: step, pushed>"
    assert "release: running, 0%" in repr(found)


def test_a_workflow_runs_to_its_end(side: Side, jobs: Jobs, fleet: Fleet) -> None:
    workflow = teep.chain(
        jobs.step.s("a"), teep.group(jobs.step.s("b"), jobs.step.s("c")), jobs.step.s("d"), config=side.config
    )
    workflow.start()
    found = status(side, workflow)
    assert side.run(found.wait(timeout=0)) is False
    fleet.start(queues=["q"])
    assert side.run(found.wait(timeout=SOON)) is True
    assert (found.state, found.progress, found.name) == ("success", 1.0, "")
    assert (jobs.ran[0], sorted(jobs.ran[1:3]), jobs.ran[3]) == ("a", ["b", "c"], "d")
    assert set(states(found).values()) == {"succeeded"}
    assert side.run(found.result("2.1").get(0)) == "bb"
    assert side.run(found.retry("1")) is False
    assert side.run(found.retry_rest()) == 0


def test_a_failure_is_told_and_retried_with_what_was_cancelled(side: Side, jobs: Jobs, fleet: Fleet) -> None:
    jobs.broken = {"unit"}
    workflow = release(side, jobs)
    fleet.start(queues=["q"])
    found = status(side, workflow)
    assert side.run(found.wait(timeout=SOON))
    assert states(found) == {
        "build": "succeeded", "test.1": "failed", "test.2": "succeeded", "publish": "cancelled", "told": "cancelled",
        "held": "waiting", "clean": "succeeded",
    }  # fmt: skip
    assert (found.state, found.batch.waiting, found.batch.cancelled) == ("failed", 1, 2)
    assert found.node("held").waits_for == ["test.1"]
    jobs.broken = set()
    assert side.run(found.retry("test.1")) is True
    assert found.state in {"running", "failed"}
    wait_until(lambda: "held" in jobs.ran, SOON, "what was held")
    side.run(side.ScheduledSet().where(bid=workflow.bid).retry_all())
    assert side.run(found.wait(timeout=SOON, event="success"))
    assert (found.state, found.progress, set(states(found).values())) == ("success", 1.0, {"succeeded"})
    assert jobs.ran.count("told") == 1


def test_a_retry_that_was_broken_off_is_tried_again(side: Side, jobs: Jobs, fleet: Fleet) -> None:
    jobs.broken = {"a"}
    workflow = teep.chain(jobs.step.s("a"), jobs.step.s("b"), config=side.config).start()
    fleet.start(queues=["q"])
    found = status(side, workflow)
    assert side.run(found.wait(timeout=SOON))
    jobs.broken = set()
    assert driver_for(side.config).run(workflows.retry(workflow.bid, ["1"])) == ["1"]
    found = status(side, workflow)
    assert (states(found), found.node("1").is_failing) == ({"1": "pushed", "2": "waiting"}, False)
    assert side.run(found.retry("1")) is True
    assert side.run(found.wait(timeout=SOON, event="success"))
    assert jobs.ran == ["a", "a", "b"]


def test_what_is_deleted_is_discarded_and_can_be_retried(side: Side, jobs: Jobs, fleet: Fleet) -> None:
    workflow = teep.chain(jobs.step.s("a"), jobs.step.s("b"), config=side.config).start()
    side.run(side.Queue("q").clear())
    found = status(side, workflow)
    assert (states(found), found.state) == ({"1": "discarded", "2": "cancelled"}, "failed")
    assert side.run(found.retry_rest()) == 2
    assert (states(found), found.state) == ({"1": "pushed", "2": "waiting"}, "running")
    fleet.start(queues=["q"])
    assert side.run(found.wait(timeout=SOON, event="success"))
    assert jobs.ran == ["a", "b"]


def test_one_that_is_cancelled_cleans_up(side: Side, jobs: Jobs, fleet: Fleet) -> None:
    workflow = teep.Workflow("x", config=side.config)
    first = workflow.add("first", jobs.step.s("first"))
    second = workflow.add("second", jobs.step.s("second"), after=first)
    workflow.add("clean", jobs.step.s("clean"), after=[first, second], when="always")
    workflow.start()
    found = status(side, workflow)
    side.run(found.cancel())
    side.run(found.refresh())
    assert (found.state, states(found)) == (
        *("cancelled", {"first": "pushed", "second": "cancelled", "clean": "waiting"}),
    )
    fleet.start(queues=["q"])
    assert side.run(found.wait(timeout=SOON))
    assert (found.state, states(found)) == (
        *("cancelled", {"first": "discarded", "second": "cancelled", "clean": "succeeded"}),
    )
    assert jobs.ran == ["clean"]
    assert side.run(found.delete()) is True
    assert side.run(found.delete()) is False
    side.run(found.refresh())
    assert (found.state, found.nodes) == ("unknown", [])
    assert side.run(side.WorkflowSet().size()) == side.run(side.BatchSet().size()) == 0


def test_a_node_waits_for_its_child(side: Side, jobs: Jobs, fleet: Fleet) -> None:
    def inside(word: str) -> None:
        job = teep.current_job()
        if word == "outer" and job is not None:
            later = jobs.step.s("later").set(queue="other")
            bids.append(teep.chain(later, parent=job.workflow, config=side.config).start().bid)

    bids: list[str] = []
    jobs.inside = inside
    workflow = teep.chain(jobs.step.s("outer"), jobs.step.s("next"), config=side.config).start()
    fleet.start(queues=["q"])
    wait_until(lambda: status(side, workflow).node("1").state == "ran", SOON, "the node to wait")
    found = status(side, workflow)
    assert (found.node("1").children, found.node("2").waits_for, found.state) == (bids, ["1"], "running")
    side.run(side.Queue("other").clear())
    side.run(found.refresh())
    assert (states(found), found.state) == ({"1": "failed", "2": "cancelled"}, "failed")
    assert (found.node("1").children, found.node("1").fallen) == ([], bids)
    assert side.run(found.retry("1")) is side.run(found.retry("2")) is False  # the child has to be retried
    fleet.start(queues=["other"])
    child = status(side, bids[0])
    assert side.run(child.retry_rest()) == 1
    assert side.run(child.wait(timeout=SOON, event="success"))
    assert side.run(found.retry_rest()) == 1
    assert side.run(found.wait(timeout=SOON, event="success"))
    assert jobs.ran == ["outer", "later", "next"]


def test_a_failure_that_is_retried_is_no_end(side: Side, jobs: Jobs, fleet: Fleet) -> None:
    jobs.broken = {"a"}
    workflow = teep.chain(jobs.step.s("a").set(retry=5), jobs.step.s("b"), config=side.config).start()
    fleet.start(queues=["q"])
    wait_until(lambda: status(side, workflow).node("1").is_failing, SOON, "its failure")
    found = status(side, workflow)
    assert (states(found), found.state) == ({"1": "pushed", "2": "waiting"}, "running")


def test_one_that_is_not_known_has_nothing(side: Side) -> None:
    found = status(side, "0" * 24)
    assert (found.state, found.name, found.tags, found.nodes, found.groups) == ("unknown", "", [], [], {})
    assert side.run(found.wait(timeout=5)) is False
    side.run(found.cancel())
    assert side.run(found.retry_rest()) == 0
    assert side.server.command("KEYS", "*") == []
    with pytest.raises(InvalidValue, match="24 hex digits"):
        status(side, "LBnbJr0O3hK2Ug")


def test_a_node_that_there_is_not_is_told_of(side: Side, jobs: Jobs) -> None:
    found = status(side, release(side, jobs))
    with pytest.raises(InvalidValue, match=r"no node 'test\.3'; did you mean 'test\.[12]'\?"):
        found.node("test.3")
    with pytest.raises(InvalidValue, match=r"'test' is a group, of the nodes 'test\.1', 'test\.2'"):
        found.result("test")
    with pytest.raises(InvalidValue, match=r"no node 'xyz'; it has 'build', 'test\.1', "):
        side.run(found.retry("xyz"))
    with pytest.raises(InvalidValue, match="a batch has the events"):
        side.run(found.wait(1, "end"))


def test_the_set_lists_the_newest_first(side: Side, jobs: Jobs) -> None:
    made = [release(side, jobs, tags=[f"t{number % 2}"]) for number in range(5)]
    with teep.Batch(config=side.config).jobs():
        teep.Client(side.config).push({"class": "step", "args": ["x"], "queue": "other"})
    found = side.listed(side.WorkflowSet())
    assert [each.bid for each in found] == [each.bid for each in reversed(made)]
    assert {(each.name, each.state, each.progress) for each in found} == {("release", "running", 0.0)}
    assert side.run(side.WorkflowSet().size()) == 5
    assert side.run(side.WorkflowSet().where(tag="t0").size()) == 3
    assert [each.bid for each in side.listed(side.WorkflowSet().where(tag="t1", state="running"))] == [
        *(made[3].bid, made[1].bid),
    ]
    side.run(side.Queue("q").clear())
    assert side.run(side.WorkflowSet().where(state="running").size()) == 0
    assert side.run(side.WorkflowSet().where(state="failed").size()) == 5
    page = side.run(side.WorkflowSet().page(2, size=2))
    assert ([each.bid for each in page.items], page.total) == ([made[2].bid, made[1].bid], 5)
    assert side.run(side.WorkflowSet().get(made[0].bid)).name == "release"
    (batch,) = [each for each in side.listed(side.BatchSet()) if each.total == 1]
    assert side.run(side.WorkflowSet().get(batch.bid)) is None
    assert status(side, batch.bid).state == "unknown"
    side.server.command("UNLINK", f"{{teep:batch:{made[3].bid}}}")
    assert len(side.listed(side.WorkflowSet())) == side.run(side.WorkflowSet().size()) == 4
    with pytest.raises(InvalidValue, match="state must be one of running, success, failed, cancelled"):
        side.WorkflowSet().where(state="dead")


def test_one_of_the_set_reads_its_nodes_when_asked(side: Side, jobs: Jobs) -> None:
    release(side, jobs)
    (found,) = side.listed(side.WorkflowSet())
    if side.name == "async":
        with pytest.raises(NotHere, match="await its refresh"):
            found.nodes  # noqa: B018 - a property that reads
        side.run(found.refresh())
    assert len(found.nodes) == 7
    side.run(found.retry_rest())
