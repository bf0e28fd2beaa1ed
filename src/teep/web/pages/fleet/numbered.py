"""Pages by number of what is at hand in one look: processes, running jobs, queues."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.datastructures import QueryParams

from teep.web import urls

T = TypeVar("T")

_MOST = 1_000_000


@dataclass(frozen=True)
class Numbered(Generic[T]):
    """A page of some items. `name` is the word of the query that says which."""

    items: Sequence[T]
    total: int
    number: int
    size: int
    name: str

    @property
    def first(self) -> int:
        """The position of the first item, from 1."""
        return (self.number - 1) * self.size + 1

    @property
    def last(self) -> int:
        """The position of the last item."""
        return self.first + len(self.items) - 1

    @property
    def pages(self) -> int:
        """How many pages there are, at least 1."""
        return max(-(-self.total // self.size), 1)


def numbered(items: Sequence[T], query: QueryParams, name: str, size: int) -> Numbered[T]:
    """Return the page of some items that a query asks for, the last one if it asks for one beyond."""
    last = max(-(-len(items) // size), 1)
    number = min(urls.integer(query, name, range(1, _MOST), 1), last)
    start = (number - 1) * size
    return Numbered(items[start : start + size], len(items), number, size, name)
