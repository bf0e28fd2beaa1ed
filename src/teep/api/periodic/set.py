"""All periodic jobs: how entries are found, created, changed and paused."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, Unpack

from teep.api.base import Api, AsyncIterable, SyncCollection, once
from teep.api.periodic.entry import (
    AsyncPeriodicEntry,
    PeriodicEntry,
    PeriodicRun,
    _PeriodicEntry,
    enqueue,
    run_of,
    unpause,
)
from teep.config.periodic import How, HowOptions, entry_of, payload_of
from teep.drivers.operation import operation
from teep.errors import InvalidSchedule
from teep.store.periodic import entries, runs
from teep.store.periodic.entries import Stored
from teep.wire.command import Plan
from teep.wire.payload import Item

E = TypeVar("E", bound=_PeriodicEntry)


class _PeriodicSet(Api, Generic[E]):
    """All periodic jobs, by name. Sidekiq Enterprise's LoopSet.

    Entries that code or a file declares are "static": the leader writes them. Others are created here: "dynamic".
    """

    _made: ClassVar[Callable[..., Any]]

    @operation
    async def size(self) -> int:
        """Return how many there are. One O(1) command."""
        return await entries.size()

    @operation
    async def get(self, name: str) -> E | None:
        """Return the entry of this name, or None. One round trip."""
        found = await entries.get(name)
        return None if found is None else self._made(found, config=self.config)

    @operation
    async def create(
        self,
        name: str,
        schedule: str,
        job: Any,
        /,
        *args: Any,
        kwargs: Mapping[str, Any] | None = None,
        queue: str | None = None,
        **how: Unpack[HowOptions],
    ) -> E:
        """Add an entry, or put it in place of the dynamic one of this name, whose history and pause stay.

        `job` is a job, a signature (`poll.s(7)`), or the name of a class that only others know; the options are those
        of `teep.periodic`. The leader sees it within a second. Three round trips.

        Raises:
            InvalidSchedule: it never fires or cannot be read, there is no such zone, or a static entry has the name.
            InvalidType, InvalidJob, InvalidArguments: the job cannot be pushed like this.
        """
        made = entry_of(schedule, payload_of(job, args, kwargs, queue), How.of(how), name)
        before = await entries.get(name)
        if before is not None:
            _must_be_dynamic(before)
        return await self._put(made)

    @operation
    async def update(
        self,
        name: str,
        /,
        *,
        schedule: str | None = None,
        job: Any = None,
        args: Sequence[Any] | None = None,
        **changes: Unpack[HowOptions],
    ) -> E:
        """Change a dynamic entry: its schedule, its job (as `create` takes one, with `args`), its arguments alone, or
        an option of `create`. Its history and pause stay.

        If the schedule changes, its ticks count from now on. Four round trips.

        Raises:
            UnknownEntry: there is none of this name.
            InvalidSchedule, InvalidJob, InvalidArguments: as `create`.
        """
        before = await entries.get(name)
        if before is None:
            raise entries.unknown(name)
        _must_be_dynamic(before)
        entry = before.entry
        kept = {field: getattr(entry, field) for field in How._fields} | {"tz": entry.tz or None}
        how = How.of({**kept, **changes, "tz": changes.get("tz") or kept["tz"]})
        return await self._put(entry_of(schedule or entry.schedule, _changed(entry.job, job, args), how, name))

    @operation
    async def delete(self, name: str) -> bool:
        """Remove an entry and its history; False if there is none. The leader writes one that it declares anew."""
        return await entries.remove(name)

    @operation
    async def pause(self, name: str) -> bool:
        """Let the ticks of an entry pass without a job; False if it was paused already. One round trip.

        Raises:
            UnknownEntry: there is none of this name.
        """
        return await entries.pause(name)

    @operation
    async def unpause(self, name: str) -> bool:
        """Let an entry go on with its next tick; False if it was not paused. Two round trips.

        Raises:
            UnknownEntry: there is none of this name.
        """
        return await unpause(name)

    @operation
    async def enqueue_now(self, name: str) -> str | None:
        """Push the job of an entry now, beside its schedule; returns the jid, or None if it was kept out.

        Raises:
            UnknownEntry: there is none of this name.
        """
        found = await entries.get(name)
        if found is None:
            raise entries.unknown(name)
        return await enqueue(self.config, found)

    @operation
    async def histories(self, names: Collection[str]) -> dict[str, list[PeriodicRun]]:
        """Return the last 25 runs of each of these entries, the newest first. One round trip."""
        return {name: [run_of(record) for record in each] for name, each in (await runs.of_all(names)).items()}

    async def _put(self, entry: entries.Entry) -> E:
        _, now = await entries.look()
        made: E = self._made(await entries.put(entry, now), config=self.config)
        return made

    async def _all(self) -> list[E]:
        found = await entries.everything()
        return [self._made(stored, config=self.config) for stored in found.entries.values()]

    def _walk(self) -> Callable[[], Plan[list[E] | None]]:
        return once(self._all)


class PeriodicSet(_PeriodicSet[PeriodicEntry], SyncCollection[PeriodicEntry]):
    _made = PeriodicEntry


class AsyncPeriodicSet(_PeriodicSet[AsyncPeriodicEntry], AsyncIterable[AsyncPeriodicEntry]):
    _made = AsyncPeriodicEntry


LoopSet = PeriodicSet
AsyncLoopSet = AsyncPeriodicSet


def _changed(before: Item, job: Any, args: Sequence[Any] | None) -> Item:
    """Return the payload of an entry with another job, or with other arguments."""
    if job is not None:
        return payload_of(job, () if args is None else args)
    return before if args is None else {**before, "args": payload_of(before["class"], args)["args"]}


def _must_be_dynamic(stored: Stored) -> None:
    if stored.entry.source == "static":
        raise InvalidSchedule(f"{stored.entry.name!r} is declared in code or a file; change it there, or pause it")
