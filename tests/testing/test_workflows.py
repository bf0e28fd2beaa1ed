"""Workflows in tests that need no Redis: `fake()` keeps the graph, `drain()` and `inline()` run it by its rules."""

import asyncio
import datetime as dt
import random
import time
from typing import Any

import pytest

import teep
from teep import testing
from teep.errors import BatchClosed, InvalidValue
from teep.store.nodes import MEANS, POLICIES, NodeState, Policy

ALL = ["complete", "success", "finish"]


class Jobs:
    """A job that notes its word, and fails if that begins with a minus; and one for callbacks."""

    def __init__(self) -> None:
        self.ran: list[str] = []

        @teep.job(name="step", keep_result=60)
        def step(word: str) -> str:
            self.ran.append(word)
            self.inside(word)
            if word.startswith("-"):
                raise ZeroDivisionError
            return word * 2

        self.step = step
        self.inside: Any = lambda _: None

    def told(self, workflow: teep.Workflow) -> teep.Workflow:
        for event in ("finish", "success", "complete", "death"):
            workflow.on(event, self.step, event)
        return workflow


@pytest.fixture
def jobs(own_registry: None, offline: Any) -> Jobs:
    return Jobs()


def drained() -> int:
    """Drain, and go on after each error; returns how many jobs have failed."""
    failed = 0
    while True:
        try:
            testing.drain(with_scheduled=True)
        except ZeroDivisionError:
            failed += 1
        else:
            return failed


def mine() -> teep.Workflow:
    job = teep.current_job()
    assert job is not None
    assert job.workflow is not None
    return job.workflow


def test_nodes_are_released_by_those_before_them(jobs: Jobs) -> None:
    step = jobs.step
    with testing.fake():
        workflow = jobs.told(teep.Workflow("x"))
        build = workflow.add("build", step.s("build"))
        tests = workflow.add_many("test", [step.s("one"), step.s("two")], after=build)
        workflow.add("publish", step.s("publish"), after=tests)
        assert len(testing.jobs) == 0
        workflow.start()
        assert [(job.args, job["node"], job.bid) for job in testing.jobs] == [(["build"], "build", workflow.bid)]
        assert testing.jobs[0].enqueued_at is not None
        testing.perform_one()
        assert [job["node"] for job in testing.jobs] == ["test.1", "test.2"]
        assert testing.drain() == 6
        assert teep.result(build.jid).get() == "buildbuild"
        late = teep.Workflow(bid=workflow.bid)
        late.add("late", step.s("late"))
        with pytest.raises(BatchClosed, match="has finished"):
            late.start()
    assert jobs.ran == ["build", "one", "two", "publish", *ALL]


def test_a_node_with_a_delay_is_scheduled_once_the_others_are_over(jobs: Jobs) -> None:
    with testing.fake():
        workflow = teep.Workflow()
        first = workflow.add("first", jobs.step.s("first"))
        workflow.add("second", jobs.step.s("second").set(wait=dt.timedelta(hours=1)), after=first)
        workflow.add("third", jobs.step.s("third").set(wait_until=time.time() - 9), after=first)
        workflow.start()
        assert testing.drain() == 2
        job = testing.assert_enqueued(jobs.step, args=["second"], at=dt.timedelta(hours=1))
        assert job.enqueued_at is None
        assert testing.drain() == 0
        assert testing.drain(with_scheduled=True) == 1
    assert jobs.ran == ["first", "third", "second"]


@pytest.mark.parametrize("is_group", [False, True], ids=["node", "group"])
def test_what_each_policy_does_after_a_failure_and_after_a_cancellation(jobs: Jobs, is_group: bool) -> None:
    with testing.fake():
        workflow = jobs.told(teep.Workflow())
        before: Any = workflow.add("bad", jobs.step.s("-bad"))
        if is_group:
            before = workflow.add_many("all", [jobs.step.s("good"), jobs.step.s("-bad, too")])
        for policy in POLICIES:
            node = workflow.add(policy, jobs.step.s(policy), after=before, when=policy)
            workflow.add(f"{policy} after", jobs.step.s(f"{policy} after"), after=node, when="skip")
            workflow.add(f"{policy} last", jobs.step.s(f"{policy} last"), after=node, when="always")
        workflow.start()
        assert drained() == (2 if is_group else 1)
    released = {"skip", "skip after", "skip last", "always", "always after", "always last", "stop last"}
    assert {word for word in jobs.ran if word.split()[0] in POLICIES} == released
    assert [word for word in jobs.ran if word in {*ALL, "death"}] == ["death", "complete", "finish"]


def expected(after: dict[str, dict[str, Policy]], failing: set[str]) -> dict[str, NodeState]:
    """What becomes of each node, by the table alone; each stands behind those that it comes after."""
    states: dict[str, NodeState] = {}
    for name, edges in after.items():
        means = [MEANS.get(states[before], {}).get(policy) for before, policy in edges.items()]
        is_run = means == ["ok"] * len(means)
        ended: NodeState = "failed" if name in failing else "succeeded"
        states[name] = "cancelled" if "cancel" in means else ended if is_run else "waiting"
    return states


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_end_as_the_table_says(jobs: Jobs, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        names = [f"{'-' if chance.random() < 0.3 else ''}{number}" for number in range(12)]
        after: dict[str, dict[str, Policy]] = {
            name: {of: chance.choice(POLICIES) for of in chance.sample(names[:at], min(at, chance.randrange(4)))}
            for at, name in enumerate(names)
        }
        jobs.ran.clear()
        with testing.fake():
            workflow = teep.Workflow().on("finish", jobs.step, "finish")
            for name in chance.sample(names, len(names)):
                workflow.add(name, jobs.step.s(name), after=after[name])
            workflow.start()
            drained()
        states = expected(after, {name for name in names if name.startswith("-")})
        ran = {name for name, state in states.items() if state in {"succeeded", "failed"}}
        assert jobs.ran[-1] == "finish", after
        assert sorted(jobs.ran[:-1]) == sorted(ran), after
        for at, name in enumerate(jobs.ran[:-1]):  # none before those that it comes after and that ran
            assert not set(after[name]) & set(jobs.ran[at:]), after


def test_chains_of_chains_and_groups(jobs: Jobs) -> None:
    step = jobs.step
    with testing.fake():
        inner = teep.group(step.s("c"), teep.chain(step.s("d"), step.s("e")), teep.group(step.s("f"), step.s("g")))
        teep.chain(step.s("a"), teep.chain(step.s("b")), inner, step.s("h")).start()
        testing.drain()
    assert jobs.ran[:2] == ["a", "b"]
    assert sorted(jobs.ran[2:-1]) == ["c", "d", "e", "f", "g"]
    assert jobs.ran[-1] == "h"


def test_many_nodes(jobs: Jobs) -> None:
    with testing.fake():
        teep.chain(jobs.step.s(str(number)) for number in range(1_500)).start()
        assert testing.drain() == 1_500
    assert jobs.ran == [str(number) for number in range(1_500)]
    jobs.ran.clear()
    with testing.inline():
        teep.chain(jobs.step.s(str(number)) for number in range(1_500)).start()
    assert jobs.ran == [str(number) for number in range(1_500)]


def test_a_node_adds_others_to_its_workflow(jobs: Jobs) -> None:
    def inside(word: str) -> None:
        if word == "adds":
            workflow = mine()
            workflow.add("more", jobs.step.s("more"), after=["adds", "first"])
            workflow.add("at once", jobs.step.s("at once"), after="first")
            workflow.start()

    jobs.inside = inside
    with testing.fake():
        workflow = jobs.told(teep.Workflow())
        workflow.add("adds", jobs.step.s("adds"), after=workflow.add("first", jobs.step.s("first")))
        workflow.start()
        for name, after, words in (
            ("adds", None, "has a node or group 'adds' already"),
            ("new", "nothing", "has no node or group 'nothing' to come after"),
        ):
            more = teep.Workflow(bid=workflow.bid)
            more.add(name, jobs.step.s(name), after=after)
            with pytest.raises(InvalidValue, match=words):
                more.start()
        batch = teep.Batch()
        with batch.jobs():
            jobs.step.perform_async("other")
        more = teep.Workflow(bid=batch.bid)
        more.add("new", jobs.step.s("new"))
        with pytest.raises(InvalidValue, match="is no workflow"):
            more.start()
        testing.drain()
    assert jobs.ran == ["first", "other", "adds", "at once", "more", *ALL]


@pytest.mark.parametrize("kind", ["workflow", "batch"])
@pytest.mark.parametrize("word", ["good", "-bad"])
def test_a_node_is_over_only_when_its_child_is(jobs: Jobs, kind: str, word: str) -> None:
    def inside(outer: str) -> None:
        if outer == "parent" and kind == "workflow":
            sub = teep.Workflow(parent=mine())
            sub.add("one", jobs.step.s(word))
            sub.add("two", jobs.step.s("two"), after="one")
            sub.on("finish", jobs.step, "sub finish").start()
        elif outer == "parent":
            with teep.Batch(parent=mine()).on("finish", jobs.step, "sub finish").jobs():
                jobs.step.perform_bulk([(word,), ("two",)])

    jobs.inside = inside
    with testing.fake():
        jobs.told(teep.chain(jobs.step.s("parent"), jobs.step.s("next"))).start()
        failed = drained()
    followed = jobs.ran.index("next") > jobs.ran.index("two") if "next" in jobs.ran else None
    if word == "good":
        assert (failed, followed, jobs.ran[-3:]) == (0, True, ALL)
    else:
        assert (failed, followed, jobs.ran[-2:]) == (1, None, ["complete", "finish"])
        assert ("two" in jobs.ran) is (kind == "batch")
    assert "sub finish" in jobs.ran


def test_a_workflow_in_the_block_of_a_batch_is_a_child_of_it(jobs: Jobs) -> None:
    with testing.fake():
        batch = teep.Batch().on("success", jobs.step, "success of all")
        with batch.jobs():
            jobs.step.perform_async("plain")
            teep.chain(jobs.step.s("a"), jobs.step.s("b")).start()
        testing.drain()
    assert jobs.ran == ["plain", "a", "b", "success of all"]


def test_inline_runs_all_of_it_in_its_start(jobs: Jobs) -> None:
    with testing.inline():
        workflow = jobs.told(teep.chain(jobs.step.s("a"), jobs.step.s("b").set(wait=60)))
        workflow.start()
        assert jobs.ran == ["a", "b", *ALL]
        jobs.ran.clear()
        with pytest.raises(ZeroDivisionError):
            teep.chain(jobs.step.s("-a"), jobs.step.s("b")).start()
    assert jobs.ran == ["-a"]


def test_on_asyncio(jobs: Jobs) -> None:
    async def main() -> None:
        with testing.fake():
            await teep.chain(jobs.step.s("a"), jobs.step.s("b")).astart()
            assert await testing.async_drain() == 2
        with testing.inline():
            await teep.chain(jobs.step.s("c"), jobs.step.s("d")).astart()

    asyncio.run(main())
    assert jobs.ran == ["a", "b", "c", "d"]
