"""What is wrong with a workflow shows before anything is pushed."""

from typing import Any

import pytest

import teep
from teep.errors import InvalidArguments, InvalidJob, InvalidType, InvalidValue
from tests.features.workflow.world import Call


@pytest.fixture
def flow(offline: Any) -> teep.Workflow:
    return teep.Workflow("flow")


def test_a_handle_is_a_name_and_has_jids(flow: teep.Workflow) -> None:
    one, many = flow.add("one", Call()), flow.add_many("many", [Call(), Call()], after="one")
    assert (one, many) == ("one", "many")
    assert len({one.jid, *many.jids}) == 3


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "a\tb", "a" * 201])
def test_names(flow: teep.Workflow, name: str) -> None:
    with pytest.raises(InvalidValue, match="up to 200 characters, none of which a control character"):
        flow.add(name, Call())
    with pytest.raises(InvalidValue, match="up to 200 characters"):
        flow.add("fine", Call(), after=name)


def test_a_name_is_taken_once(flow: teep.Workflow) -> None:
    flow.add_many("a", [Call()])
    for name in ("a", "a.1"):
        with pytest.raises(InvalidValue, match=f"a node or group '{name}' already"):
            flow.add(name, Call())


def test_a_node_comes_after_what_there_is(flow: teep.Workflow) -> None:
    flow.add("build", Call())
    flow.add("test", Call(), after="buidl")
    with pytest.raises(
        InvalidValue, match="'test' comes after 'buidl', and there is no such node; did you mean 'build'"
    ):
        flow.start()


def test_circles(flow: teep.Workflow) -> None:
    flow.add("a", Call(), after="c")
    flow.add_many("b", [Call()], after="a")
    flow.add("c", Call(), after="b")
    flow.add("d", Call(), after="c")
    with pytest.raises(InvalidValue, match=r"wait for each other: b\.1 -> b -> c -> a -> b\.1"):
        flow.start()
    own = teep.Workflow()
    own.add("a", Call(), after="a")
    with pytest.raises(InvalidValue, match="wait for each other: a -> a"):
        own.start()


def test_policies(flow: teep.Workflow) -> None:
    with pytest.raises(InvalidValue, match="one of stop, skip, hold, always, not 'sometimes'"):
        flow.add("a", Call(), after="b", when="sometimes")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="in after=, or one for all in when=, not both"):
        flow.add("a", Call(), after={"b": "skip"}, when="stop")
    with pytest.raises(InvalidType, match="after= takes nodes"):
        flow.add("a", Call(), after=5)  # type: ignore[arg-type]


def test_jobs(flow: teep.Workflow) -> None:
    @teep.job(name="flow_shape")
    def shape(number: int) -> None: ...

    with pytest.raises(InvalidType, match=r"a job with its arguments, such as build\.s\(url\)"):
        flow.add("a", shape)  # type: ignore[arg-type]
    with pytest.raises((InvalidArguments, InvalidJob)):
        flow.add("a", shape.s(object()))  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match="a job with its arguments"):
        teep.chain("a")  # type: ignore[arg-type]


def test_a_started_workflow_or_one_with_callbacks_is_no_part_of_another(flow: teep.Workflow) -> None:
    flow.on("finish", "told")
    with pytest.raises(InvalidValue, match="cannot become a part of another workflow"):
        teep.chain(flow)


def test_there_must_be_something_to_start(offline: Any) -> None:
    with pytest.raises(InvalidValue, match="no new nodes to start; add some to this very object"):
        teep.Workflow(bid="0" * 24).start()


def test_options(offline: Any) -> None:
    with pytest.raises(InvalidValue, match="has its options since it was made"):
        teep.Workflow(bid="0" * 24, tags=["x"])
    with pytest.raises(InvalidValue, match="has its name since it was made"):
        teep.Workflow("name", bid="0" * 24)
    with pytest.raises(InvalidValue, match="linger of a workflow must be more than 0"):
        teep.Workflow(linger=0)


def test_a_child_is_in_the_redis_of_its_parent() -> None:
    config = teep.Config(redis_url="redis://127.0.0.1:1/3")
    parent = teep.Batch(config=config)
    assert teep.Workflow(parent=parent).config is teep.Batch(parent=parent).config is config
    assert teep.Batch(parent=parent.bid).config is not config
