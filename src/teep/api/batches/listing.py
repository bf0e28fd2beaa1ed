"""What the set of all batches and that of all workflows share: listing them, and choosing some."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar

from teep.api.base import Api, Page, page_start
from teep.api.jobs.selection.bounds import SEARCH_SECONDS
from teep.client import AsyncClient, Client
from teep.clock import monotonic
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import InvalidType, InvalidValue, RedisDenied
from teep.store import batches
from teep.store.batches import Listing, Record, is_ours
from teep.wire.command import Plan


class Status(Protocol):
    """A batch or a workflow, as far as a selection asks."""

    @property
    def state(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...


S = TypeVar("S", bound=Status)


class Search(NamedTuple, Generic[S]):
    """What a search through the list has found.

    `looked_at` is how many of the `total` it has passed, those before its start included; `next` where another search
    goes on, None if it has come to the end.
    """

    items: list[S]
    total: int
    looked_at: int
    next: int | None


class Statuses(Api, Generic[S]):
    """All of them, the newest first. Those that are forgotten drop out of the list as they are met.

    With `clean=False` they stay there, so that nothing is written; they are passed over all the same.
    """

    _store: ClassVar[Listing]
    _states: ClassVar[Sequence[str]]
    _status: ClassVar[Callable[..., Any]]
    _tag: str | None = None
    _state: str | None = None

    def __init__(
        self, clean: bool = True, *, config: Config | None = None, client: Client | AsyncClient | None = None
    ) -> None:
        super().__init__(config=config, client=client)
        self._clean = clean

    @operation
    async def size(self) -> int:
        """Return how many there are: of all, one O(1) command; of some, a look at each."""
        if self._tag is None and self._state is None:
            return await self._store.size()
        count, following = 0, self._walk()
        while (some := await following()) is not None:
            count += len(some)
        return count

    @operation
    async def get(self, bid: str) -> S | None:
        """Return the one with this bid, or None. One round trip."""
        found = await batches.read(bid) if is_ours(bid) else []
        return self._made(found[0]) if found and self._is_one(found[0]) else None

    @operation
    async def page(self, number: int = 1, size: int = 25) -> Page[S]:
        """Return a page of all, the newest first. Three round trips."""
        number, start = page_start(number, size)
        bids, there = await self._store.page(start, size)
        await self._swept(bids, there)
        return Page([self._made(record) for record in there], await self._store.size(), number)

    @operation
    async def search(self, start: int = 0, size: int = 25, seconds: float = SEARCH_SECONDS) -> Search[S]:
        """Return up to `size` of those that `where` chose, the newest first, from a place of the list on.

        It ends after `seconds`, and tells where another one goes on. Two round trips a hundred of them.
        """
        found: list[S] = []
        until = monotonic() + seconds
        while True:
            bids, there = await self._store.page(start)
            is_swept, known = await self._swept(bids, there) > 0, {record.bid: record for record in there}
            for bid in bids:
                start += bid in known or not is_swept
                found += [status] if bid in known and self._fits(status := self._made(known[bid])) else []
                if len(found) == size:
                    break
            total = await self._store.size()
            if not bids or start >= total or len(found) == size or monotonic() >= until:
                return Search(found, total, min(start, total), start if bids and start < total else None)

    def _chosen(self, tag: str | None, state: str | None) -> Self:
        if tag is not None and not isinstance(tag, str):
            raise InvalidType(f"tag must be a string, not {tag!r}")
        if state is not None and state not in self._states:
            raise InvalidValue(f"state must be one of {', '.join(self._states)}, not {state!r}")
        chosen = type(self)(self._clean, config=self.config)
        chosen._tag, chosen._state = tag or self._tag, state or self._state  # noqa: SLF001 - its own kind
        return chosen

    def _is_one(self, record: Record) -> bool:
        """Whether a batch belongs here."""
        return bool(record)

    def _made(self, record: Record) -> S:
        made: S = self._status(record.bid, record, config=self.config)
        return made

    def _fits(self, status: S) -> bool:
        return (self._tag is None or self._tag in status.tags) and self._state in (None, status.state)

    async def _swept(self, bids: Sequence[str], there: Sequence[Record]) -> int:
        """Take those that are forgotten out of the list; returns how many: none if this user may not."""
        if not self._clean:
            return 0
        try:
            return await self._store.sweep(bids, there)
        except RedisDenied:
            return 0

    def _walk(self) -> Callable[[], Plan[list[S] | None]]:
        start = 0

        async def following() -> list[S] | None:
            nonlocal start
            bids, there = await self._store.page(start)
            if not bids:
                return None
            start += len(bids) - await self._swept(bids, there)
            return [status for status in map(self._made, there) if self._fits(status)]

        return following
