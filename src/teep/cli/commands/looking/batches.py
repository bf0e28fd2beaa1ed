"""`teep batches`: batches and workflows; and to retry, cancel or delete some."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, cast

import click

from teep.cli.command import argument, option
from teep.cli.endings import DONE, nothing
from teep.cli.options import AtMost, Looking
from teep.cli.printing import Column, print_json, print_lines, print_table, show, table
from teep.cli.showing.spans import ago, shown, stamp
from teep.errors import InvalidValue
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api.batches import BatchStatus
    from teep.api.batches.fields import State
    from teep.api.workflows import NodeStatus, WorkflowStatus
    from teep.config import Config

_VERBS = ("list", "show", "retry", "cancel", "delete")
_STATES = ("running", "success", "dead", "finished", "invalid")

Verb = Annotated[
    str,
    argument(
        type=click.Choice(_VERBS), required=False, default="list", help="What to do; without one, they are listed."
    ),
]
Bids = Annotated[tuple[str, ...], argument(metavar="[BID]...", help="The batches and workflows to do it to.")]
Tag = Annotated[str | None, option("--tag", metavar="TAG", help="List those with this tag.")]
InState = Annotated[str | None, option("--state", type=click.Choice(_STATES), help="List those in this state.")]
Limit = Annotated[int, option("--limit", type=AtMost(), metavar="N", show_default=True, help="List at most so many.")]

_BATCHES = [
    Column("batch", style="bold"), Column("state"), Column("left", is_figure=True), Column("of", is_figure=True),
    Column("failed", is_figure=True, style="red"), Column("made", is_figure=True), Column("for", is_long=True),
]  # fmt: skip
_NODES = [
    Column("node", style="bold", is_long=True), Column("state"), Column("since", is_figure=True),
    Column("class", is_long=True, style="cyan"), Column("waits for", is_long=True),
]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class BatchesFlags(Looking):
    """What to do, and to which of them."""

    verb: Verb = "list"
    bids: Bids = ()
    tag: Tag = None
    state: InState = None
    limit: Limit = 25


def batches(flags: BatchesFlags) -> int:
    """Show the batches and workflows, the newest first; or one of them, with the nodes of a workflow.

    With retry its failed and dead jobs are sent back, with cancel its jobs are skipped. With delete it is forgotten,
    and its jobs go on.

    Example: [bold]teep batches --state running[/bold]
    """
    if (flags.verb == "list") is bool(flags.bids):
        raise InvalidValue(f"{flags.verb} {'takes no BID; show does' if flags.bids else 'takes the BID of a batch'}")
    config = flags.configured()
    if flags.verb == "list":
        return _list(flags, config)
    found = {bid: _read(bid, config) for bid in flags.bids}
    if missing := [bid for bid, status in found.items() if not status.is_known]:
        return nothing(f"There is no batch {on_one_line(missing[0])}: it was forgotten after its end, or never made.")
    act = _show if flags.verb == "show" else _act
    for status in found.values():
        act(flags, status)
    return DONE


def _read(bid: str, config: "Config") -> "BatchStatus":
    from teep.api.batches import BatchStatus

    return BatchStatus(bid, config=config)


def _list(flags: BatchesFlags, config: "Config") -> int:
    from teep.api.batches import BatchSet

    state = cast("State | None", flags.state)  # click takes no other
    chosen = BatchSet(config=config).where(tag=flags.tag, state=state)
    found = list(islice(chosen, flags.limit))
    if flags.as_json:
        print_lines(map(_told, found))
    elif found:
        show(table(_BATCHES, map(_row, found)))
    else:
        print("There are no such batches." if flags.tag or flags.state else "There are no batches and no workflows.")
    return DONE


def _act(flags: BatchesFlags, status: "BatchStatus") -> None:
    workflow = None if status.workflow is None else _workflow(status)
    done: dict[str, Callable[[], object]] = {
        "retry": status.retry_failed if workflow is None else workflow.retry_rest,
        "cancel": status.invalidate_all if workflow is None else workflow.cancel,
        "delete": status.delete if workflow is None else workflow.delete,
    }
    count = done[flags.verb]()
    if flags.as_json:
        print_json({"bid": status.bid, "verb": flags.verb, "jobs": count if flags.verb == "retry" else None})
        return
    words = {
        "retry": f"{count:,} of its jobs run again" if isinstance(count, int) else "",
        "cancel": "its jobs are skipped from now on",
        "delete": "it is forgotten, and its jobs go on",
    }
    print(f"{on_one_line(status.bid)}: {words[flags.verb]}.")


def _show(flags: BatchesFlags, status: "BatchStatus") -> None:
    nodes = [] if status.workflow is None else _workflow(status).nodes
    if flags.as_json:
        print_json({**_told(status), "nodes": [_node(node) for node in nodes]})
        return
    glimpse = status.glimpse()
    rows = [
        ("for", _purpose(status)), ("state", status.state), ("jobs", f"{status.total:,}"),
        ("left", f"{_left(status):,}"), ("failed", f"{status.failures:,}"), ("dead", ", ".join(glimpse.dead)),
        ("discarded", f"{status.discarded:,}"), ("tags", ", ".join(map(str, status.tags))),
        ("made", shown(status.created_at)), ("finished", shown(status.finished_at)),
        ("parent", status.parent or ""), ("children", ", ".join(glimpse.children)),
    ]  # fmt: skip
    print_table(["batch", status.bid], [row for row in rows if row[1]], of_texts=True)
    if nodes:
        show(table(_NODES, map(_node_row, nodes)))


def _workflow(status: "BatchStatus") -> "WorkflowStatus":
    from teep.api.workflows import WorkflowStatus

    return WorkflowStatus(status.bid, config=status.config)


def _purpose(status: "BatchStatus") -> str:
    """Return what a batch is for, or the name of the workflow that it is."""
    if status.workflow is None:
        return status.description or ""
    return f"workflow {status.workflow}".strip()


def _left(status: "BatchStatus") -> int:
    """Return how many jobs are not over; a dead one is, and a node that waits is not."""
    return status.pending - status.dead + status.waiting


def _row(status: "BatchStatus") -> tuple[str, ...]:
    return (
        status.bid, status.state, f"{_left(status):,}", f"{status.total:,}", f"{status.failures:,}",
        ago(status.created_at), _purpose(status),
    )  # fmt: skip


def _told(status: "BatchStatus") -> dict[str, Any]:
    return {
        "bid": status.bid, "description": status.description, "workflow": status.workflow, "tags": status.tags,
        "state": status.state, "total": status.total, "pending": status.pending, "failures": status.failures,
        "dead": status.dead, "discarded": status.discarded, "progress": status.progress, "parent": status.parent,
        "created_at": stamp(status.created_at), "finished_at": stamp(status.finished_at),
    }  # fmt: skip


def _node_row(node: "NodeStatus") -> tuple[str, ...]:
    state = "is retried" if node.is_failing else node.state
    return node.name, state, ago(node.since), node.klass, ", ".join(node.waits_for)


def _node(node: "NodeStatus") -> dict[str, Any]:
    return {
        "name": node.name, "class": node.klass, "queue": node.queue, "jid": node.jid, "group": node.group,
        "state": node.state, "failing": node.is_failing, "since": stamp(node.since), "waits_for": node.waits_for,
    }  # fmt: skip
