"""A batch as pages show it: a row of a list, and the bar of what became of its jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from teep.api.batches import AsyncBatchStatus
from teep.web.rendering import printable

STATES = {"running": "plain", "success": "good", "dead": "bad", "finished": "warn", "invalid": "warn"}
"""The states that a batch may have, and how each is shown."""


class Share(NamedTuple):
    """A part of a bar, from `start` on, in hundredths of its width."""

    name: str
    start: float
    width: float


class BatchRow(NamedTuple):
    """What is shown of a batch, or a workflow: `word` is the key of the word for its state.

    `failing` jobs have failed and are tried again, `waiting` ones have not failed, or are not pushed yet.
    """

    bid: str
    path: str
    description: str
    tags: Sequence[str]
    word: str
    kind: str
    total: int
    succeeded: int
    discarded: int
    dead: int
    failing: int
    waiting: int
    progress: float
    created_at: datetime | None
    finished_at: datetime | None

    @property
    def bar(self) -> list[Share]:
        """What became of its jobs, those that are over first."""
        shares, start = [], 0.0
        for name in ("succeeded", "discarded", "dead", "failing"):
            width = 100 * getattr(self, name) / max(self.total, 1)
            if width:
                shares.append(Share(name, round(start, 2), round(width, 2)))
            start += width
        return shares


def row_of(status: AsyncBatchStatus) -> BatchRow:
    """Return what is shown of a batch."""
    pending, failed, dead = status.pending, status.failures, status.dead
    gone = status.discarded + status.cancelled
    return BatchRow(
        bid=status.bid,
        path=path_of(status.bid) if status.workflow is None else f"workflows/{status.bid}",
        description=printable(str(status.description or status.workflow or "")),
        tags=[printable(str(tag)) for tag in status.tags],
        word=f"batches.state_{status.state}",
        kind=STATES.get(status.state, "plain"),
        total=status.total,
        succeeded=max(status.total - pending - status.waiting - gone, 0),
        discarded=gone,
        dead=dead,
        failing=max(failed - dead, 0),
        waiting=max(pending - failed, 0) + status.waiting,
        progress=status.progress,
        created_at=status.created_at,
        finished_at=status.finished_at,
    )


def path_of(bid: str) -> str:
    """Return the path of a batch's page."""
    return f"batches/{bid}"
