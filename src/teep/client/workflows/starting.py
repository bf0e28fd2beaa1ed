"""The pushes that start a workflow, or add nodes to one that runs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from teep.client.batches.block import LEASE, MOST, why_closed
from teep.client.delivery import blocks, kept_out, routes, test_mode
from teep.client.workflows.drafts import Draft
from teep.client.workflows.order import ordered, outside
from teep.config import Config
from teep.errors import BatchClosed, InvalidValue, RedisError
from teep.store.batches import Declaration, Opened
from teep.store.jobs.pushes import KeptOut, Push
from teep.store.nodes import NewNode, NewNodes
from teep.telling import Logger

logger = Logger("teep")

Groups = Mapping[str, Sequence[str]]


class Startable(Protocol):
    """A workflow as its start sees it: the bid of its parent, if it has one, and what makes it, once."""

    config: Config
    bid: str
    parent_bid: str | None

    @property
    def is_new(self) -> bool: ...
    def is_opened_in(self, bid: str | None) -> None: ...
    def declare(self) -> Declaration | None: ...


async def start(workflow: Startable, drafts: Sequence[Draft], groups: Groups) -> None:
    """Add nodes and groups to a workflow, which this makes if it is new.

    Raises:
        InvalidValue: they do not fit, or there are none for a workflow that is there already.
        BatchClosed: it takes no more nodes, or its parent no more children.
    """
    if not drafts and not workflow.is_new:
        raise InvalidValue(f"workflow {workflow.bid} has no new nodes to start; add some to this very object before")
    if len(drafts) > MOST and not workflow.is_new:
        raise InvalidValue(f"{MOST} nodes can be added to a workflow that runs in one step, not {len(drafts)}")
    around = blocks.current(workflow.config)
    workflow.is_opened_in(None if around is None else around.bid)
    opened = _opened(workflow, drafts, groups)
    if around is None or around.bid != workflow.parent_bid:
        await _send_all(workflow, opened)
    elif len(opened) == 1:
        await around.take(Push({}, (), batches=opened))
    else:
        await around.flush()
        await _send_all(workflow, opened)


def _opened(workflow: Startable, drafts: Sequence[Draft], groups: Groups) -> list[Opened]:
    """Return what one push after the other does to a workflow."""
    bid, is_new = workflow.bid, workflow.is_new
    in_order = ordered(drafts, groups, is_whole=is_new)
    nodes = [draft.written(workflow.config, bid) for draft in in_order]
    groups = dict(groups)
    made = workflow.declare()
    if len(nodes) <= MOST:
        more = NewNodes(nodes, groups, is_appended=not is_new, outside=outside(drafts, groups))
        return [Opened(bid, made, nodes=more, released=())]
    token = os.urandom(6).hex()
    first, *others = _slices(nodes)
    roots = [[node.name for node in some] for some in _slices([node for node in nodes if not node.after])]
    held = Opened(bid, None, token, LEASE, closes=False)
    return [
        held._replace(declaration=made and made._replace(is_building=True), nodes=NewNodes(first, groups)),
        *(held._replace(nodes=NewNodes(some, {})) for some in others),
        *(held._replace(released=names) for names in roots[:-1]),
        held._replace(released=roots[-1], closes=True),
    ]


def _slices(nodes: Sequence[NewNode]) -> Iterator[Sequence[NewNode]]:
    for at in range(0, len(nodes), MOST):
        yield nodes[at : at + MOST]


async def _send_all(workflow: Startable, opened: Sequence[Opened]) -> None:
    for each in opened:
        try:
            await _send(workflow, Push({}, (), batches=[each]))
        except GeneratorExit:
            raise
        except BaseException:  # a cancelled task, too: else it would look as if it ran, for an hour
            if len(opened) > 1 and test_mode.current() is None:
                await _break(workflow, each)
            raise


async def _send(workflow: Startable, push: Push) -> None:
    kept = await routes.send(workflow.config, push)
    for each in kept:
        if each.guard == "workflow.fits":
            raise InvalidValue(_unfit(workflow.bid, each))
        if each.guard == "batch.open":
            raise BatchClosed(why_closed(push, each))
    kept_out.tell(kept)


async def _break(workflow: Startable, failed: Opened) -> None:
    """Have a workflow come to its end that could not be added whole. The error goes on."""
    try:
        ended = Opened(workflow.bid, None, failed.token, is_broken=True)
        await routes.send(workflow.config, Push({}, (), batches=[ended]))
    except (RedisError, BatchClosed) as error:
        logger.warning("workflow %s could not be cancelled after an error in its start: %s", workflow.bid, error)


def _unfit(bid: str, kept: KeptOut) -> str:
    if kept.word.startswith("has no "):
        return f"workflow {bid} has no node or group {kept.word.removeprefix('has no ')!r} to come after"
    if kept.word.startswith("has "):
        return f"workflow {bid} has a node or group {kept.word.removeprefix('has ')!r} already; choose another name"
    return f"batch {bid} is no workflow, so it takes no nodes; use Batch({bid!r}).jobs()"
