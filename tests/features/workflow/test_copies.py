"""A copy of a node's job, as the web page pushes one, is no part of the workflow."""

import json

import pytest

import teep
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


def test_a_copy_of_a_node_ends_nothing(valkey_fleet: Fleet) -> None:
    fleet = valkey_fleet

    @teep.job(name="copied", queue="first")
    def copied() -> None: ...

    workflow = teep.Workflow("w", config=fleet.config)
    workflow.add("a", copied.s())
    workflow.add("b", copied.s(), after="a")
    workflow.start()
    (raw,) = fleet.server.command("LRANGE", "queue:first", 0, -1)
    item = {name: value for name, value in json.loads(raw).items() if name != "jid"}
    jid = teep.Client(fleet.config).push(item | {"queue": "copies"})
    (copy,) = fleet.server.command("LRANGE", "queue:copies", 0, -1)
    assert not {"node", "bix"} & json.loads(copy).keys()
    fleet.start(queues=["copies"])
    wait_until(lambda: not fleet.server.command("LLEN", "queue:copies"), SOON, "the copy to be taken")
    fleet.wait_until_processed(1)
    status = teep.WorkflowStatus(workflow.bid, config=fleet.config)
    assert {node.name: node.state for node in status.nodes} == {"a": "pushed", "b": "waiting"}
    assert jid != status.node("a").jid


@pytest.mark.parametrize("fails", [False, True])
def test_nor_does_one_that_another_program_has_pushed_as_it_is(valkey_fleet: Fleet, fails: bool) -> None:
    fleet = valkey_fleet

    @teep.job(name="copied", queue="first", retry=0)
    def copied() -> None:
        if fails:
            raise OSError("as intended")

    workflow = teep.Workflow("w", config=fleet.config)
    workflow.add("a", copied.s())
    workflow.add("b", copied.s(), after="a")
    workflow.start()
    (raw,) = fleet.server.command("LRANGE", "queue:first", 0, -1)
    fleet.server.command("LPUSH", "queue:copies", json.dumps(json.loads(raw) | {"jid": "0" * 24, "queue": "copies"}))
    fleet.start(queues=["copies"])
    fleet.wait_until_processed(1)
    status = teep.WorkflowStatus(workflow.bid, config=fleet.config)
    assert {node.name: node.state for node in status.nodes} == {"a": "pushed", "b": "waiting"}
