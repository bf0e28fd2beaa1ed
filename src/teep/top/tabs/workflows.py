"""Workflows: how far each is, which nodes it waits for, and what is done to it."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from teep.api.jobs.selection.words import Parsed
from teep.api.workflows import AsyncWorkflowSet, AsyncWorkflowStatus, NodeStatus
from teep.api.workflows.status import WorkflowState
from teep.top.lists.rows import Line, Listing, Row
from teep.top.lists.text import number, plain, relative
from teep.top.lists.verbs import Progress, Verb, each_of, together
from teep.top.lists.views import Tab, View
from teep.top.tabs import searching
from teep.top.tabs.batches import COLUMNS, batch_lines, row_of

_STATES = tuple(state for state in get_args(WorkflowState) if state != "unknown")
_MOST_NODES = 500
_MOST_NAMES = 5
_STYLES = {"failed": "bad", "discarded": "warn", "failing": "warn", "succeeded": "good"}


class Workflows(Tab):
    name, title = "workflows", "Workflows"
    nouns = ("workflow", "workflows")
    empty = "There are no workflows."
    columns = COLUMNS

    async def is_used(self) -> bool:
        return bool(await self._every().size())

    def parsed(self, text: str) -> Parsed:
        return searching.parse(text, self._every())

    def words(self, view: View) -> list[str]:
        return searching.offered(view.rows, _STATES)

    async def read(self, view: View) -> Listing:
        return await searching.sought(self._every(), view, _row, "workflows")

    def _every(self) -> AsyncWorkflowSet:
        return AsyncWorkflowSet(clean=False, config=self.config)

    def verbs(self, view: View) -> Sequence[Verb]:  # noqa: ARG002 - the same whatever is seen
        return (
            Verb("R", "retry what did not succeed of", ("node runs again", "nodes run again"), _retry, counts=False),
            Verb("K", "cancel", ("is cancelled", "are cancelled"), each_of("cancel"), note="Nodes that run go on."),
            Verb("D", "forget", ("is forgotten", "are forgotten"), each_of("delete"),
                 note="Pushed jobs of a workflow go on without it."),
        )  # fmt: skip

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as of every tab
        status = await AsyncWorkflowStatus.fetch(row.key, config=self.config)
        nodes = status.nodes
        counts = Counter(map(_state_of, nodes))
        lines = [Line(row.cells[6] or "a workflow", "title"), *await batch_lines(status.batch), Line()]
        lines.append(Line(", ".join(f"{number(count)} {state}" for state, count in counts.most_common()), "label"))
        lines += [_node_line(node) for node in nodes[:_MOST_NODES]]
        if len(nodes) > _MOST_NODES:
            lines.append(Line(f"and {len(nodes) - _MOST_NODES:,} nodes more", "muted"))
        return lines

    def copied(self, row: Row) -> tuple[str, str]:
        return "bid", row.key


def _row(status: AsyncWorkflowStatus) -> Row:
    return row_of(status.batch, status.state, status.name)._replace(thing=status)


def _state_of(node: NodeStatus) -> str:
    return "failing" if node.is_failing else node.state


def _node_line(node: NodeStatus) -> Line:
    state, waits_for = _state_of(node), node.waits_for
    names = ", ".join(plain(name) for name in waits_for[:_MOST_NAMES])
    more = f" and {len(waits_for) - _MOST_NAMES} more" if len(waits_for) > _MOST_NAMES else ""
    waits = f", for {names}{more}" if names else ""
    return Line(f"{plain(node.name)}: {state} {relative(node.since)}{waits}", _STYLES.get(state, ""), 2)


async def _retry(statuses: Sequence[AsyncWorkflowStatus], told: Progress, _: str) -> int:
    return await together(statuses, lambda status: status.retry_rest(), told)
