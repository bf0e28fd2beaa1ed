"""The outcomes of scripts that move jobs: each job moved, was gone, or stayed because Redis refused."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from teep.errors import NotMoved, RedisCommandError
from teep.wire.commands import text


class Moves(NamedTuple):
    """The outcomes of jobs that were to move, in the order given: whether each did, and why Redis refused some.

    `refused` has Redis's words by position. Jobs that were gone, or refused, were left alone. `beside` says why
    Redis refused a part that goes along with a moved job; "" if all is well.
    """

    done: list[bool]
    refused: dict[int, str]
    beside: str = ""

    @property
    def moved(self) -> int:
        """How many moved."""
        return sum(self.done)

    def checked(self) -> list[bool]:
        """Return whether each moved.

        Raises:
            NotMoved: Redis refused some.
            RedisCommandError: Redis refused parts that go along with some, which moved all the same.
        """
        if self.refused:
            raise not_moved(list(self.refused.values()), self.moved)
        if self.beside:
            raise RedisCommandError(f"{self.beside}; the job is gone from there all the same")
        return self.done


def not_moved(reasons: Sequence[str], moved: int) -> NotMoved:
    """Return the error for jobs that Redis refused to move, for these reasons."""
    left = f"{len(reasons)} jobs stay where they were" if len(reasons) > 1 else "the job stays where it was"
    return NotMoved(f"{reasons[0]}; {left}", moved)


def read_moves(reply: list[Any]) -> Moves:
    """Read for each job 1, 0, Redis's words, or a list of 1 and why a part that goes along was refused."""
    return Moves(
        [each == 1 or type(each) is list for each in reply],
        {index: text(each) for index, each in enumerate(reply) if isinstance(each, bytes)},
        next((text(each[1]) for each in reply if type(each) is list), ""),
    )
