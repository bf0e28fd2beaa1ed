"""What scripts that move jobs say of each: it moved, it was gone, or Redis refused, which left it where it was."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from teep.errors import NotMoved
from teep.wire.commands import text


class Moves(NamedTuple):
    """What became of jobs that were to move, in the order given: whether each did, and why Redis refused some.

    `refused` has Redis's words by position. Jobs that were gone, or refused, were left alone.
    """

    done: list[bool]
    refused: dict[int, str]

    @property
    def moved(self) -> int:
        """How many moved."""
        return sum(self.done)

    def checked(self) -> list[bool]:
        """Return whether each moved.

        Raises:
            NotMoved: Redis refused some.
        """
        if self.refused:
            raise not_moved(list(self.refused.values()), self.moved)
        return self.done


def not_moved(reasons: Sequence[str], moved: int) -> NotMoved:
    """Return the error for jobs that Redis refused to move, for these reasons."""
    left = f"{len(reasons)} jobs stay where they were" if len(reasons) > 1 else "the job stays where it was"
    return NotMoved(f"{reasons[0]}; {left}", moved)


def read_moves(reply: list[int | bytes]) -> Moves:
    """Read 1, 0 or Redis's words for each job."""
    return Moves(
        [each == 1 for each in reply],
        {index: text(each) for index, each in enumerate(reply) if isinstance(each, bytes)},
    )


class Settled(NamedTuple):
    """What became of a job's end: `done` where it was in flight, unless Redis `refused`, which changed nothing.

    `beside` says why something was not done that goes along with it, such as counting it. Both are "" if all is well.
    """

    done: bool
    refused: str
    beside: str


def read_settled(reply: list[Any]) -> Settled:
    """Read 1, 0 or -1, and Redis's words."""
    state, why = reply[0], text(reply[1])
    return Settled(state == 1, why if state < 0 else "", why if state > 0 else "")
