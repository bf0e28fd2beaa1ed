"""Live processes, and how to quiet or stop them."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from teep.api.base import Api, AsyncApi, AsyncIterable, SyncApi, SyncCollection, once
from teep.client import AsyncClient, Client
from teep.client.times import shown
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import EmbeddedProcess
from teep.store import leader as leaders
from teep.store import processes
from teep.wire.command import Plan

P = TypeVar("P", bound="_Process")


# The fields of a process that change from heartbeat to heartbeat.
_BEATEN = frozenset(processes.ProcessHash._fields) - {"info"}


class _Process(Api):
    """A process as of its last heartbeat. Sidekiq's Process."""

    def __init__(self, data: processes.ProcessHash, *, config: Config | None = None) -> None:
        super().__init__(config=config)
        self._data = data

    def __getitem__(self, field: str) -> Any:
        """Return a field of the process's description or of its last heartbeat, or None.

        `beat` is in epoch seconds.
        """
        if field in _BEATEN and (value := getattr(self._data, field)) is not None:
            return value
        return self._data.info.get(field)

    @property
    def identity(self) -> str:
        """Its name: host, pid and a random part."""
        return str(self["identity"])

    @property
    def id(self) -> str:
        """Its `identity`."""
        return self.identity

    @property
    def hostname(self) -> str:
        """The name of its host."""
        return str(self["hostname"])

    @property
    def pid(self) -> int:
        """Its process id on that host; 0 if it says nothing that is a number."""
        return int(_number(self["pid"]))

    @property
    def tag(self) -> str:
        """What it is called beside its pid; by default the name of its directory."""
        return str(self["tag"] or "")

    @property
    def labels(self) -> list[str]:
        """Further labels, as configured."""
        labels = self["labels"]
        return labels if isinstance(labels, list) else []

    @property
    def queues(self) -> list[str]:
        """The queues it serves, over all its capsules; none if what it says of them cannot be read."""
        told = self["queues"]
        if told is not None:
            return list(map(str, told)) if isinstance(told, list) else []
        return list(dict.fromkeys(queue for weights in self._weights_of_capsules() for queue in weights))

    @property
    def weights(self) -> dict[str, int]:
        """The weights of its queues, over all its capsules; all 0 if the order is strict."""
        told = self["weights"]
        each = self._weights_of_capsules() or (told if isinstance(told, list) else [])
        return {queue: weight for weights in each if isinstance(weights, dict) for queue, weight in weights.items()}

    @property
    def capsules(self) -> dict[str, dict[str, Any]]:
        """Its capsules: {"default": {"concurrency": 10, "mode": "strict", "weights": {"default": 0}}}."""
        told = self["capsules"]
        some = told.items() if isinstance(told, dict) else ()
        return {name: capsule for name, capsule in some if isinstance(capsule, dict)}

    @property
    def concurrency(self) -> int:
        """Jobs it runs at a time; 0 if it says nothing that is a number.

        Sidekiq kept this in different places over its versions.
        """
        return max(int(_number(self._data.concurrency or self["concurrency"])), 0)

    @property
    def threads(self) -> dict[str, int]:
        """How many jobs of each queue it may run at a time: as many as the capsules that serve the queue."""
        found = dict.fromkeys(self.queues, self.concurrency if not self.capsules else 0)
        for capsule in self.capsules.values():
            own, weights = capsule.get("concurrency"), capsule.get("weights")
            for queue in weights if isinstance(weights, dict) else ():
                found[queue] = found.get(queue, 0) + (max(own, 0) if type(own) is int else self.concurrency)
        return found

    @property
    def busy(self) -> int:
        """Jobs that ran at its last heartbeat."""
        return self._data.busy

    @property
    def beat(self) -> datetime:
        """The time of its last heartbeat."""
        return shown(self._data.beat)

    @property
    def started_at(self) -> datetime:
        """When it started; the epoch if it says nothing that is a time."""
        return shown(_number(self["started_at"]))

    @property
    def rss(self) -> int:
        """Resident memory, in KB."""
        return self._data.rss

    @property
    def rtt_us(self) -> int:
        """The time that Redis takes to answer it, in microseconds."""
        return self._data.rtt_us

    @property
    def late(self) -> int:
        """Jobs that it finished after it was taken for dead and they were given to others. teep's own."""
        return self._data.late

    @property
    def version(self) -> str | None:
        """The program that it runs, such as "teep 0.1.0"; None if it does not say."""
        return self["version"]  # type: ignore[no-any-return]

    @property
    def embedded(self) -> bool:
        """Whether it runs inside another program, and so takes no signals."""
        return bool(self["embedded"])

    @property
    def stopping(self) -> bool:
        """Whether it takes no more jobs."""
        return self._data.quiet

    @operation
    async def quiet(self) -> None:
        """Tell it to take no more jobs. Only a restart undoes this."""
        self._must_be_signalable("quieted")
        await processes.send_signal(self.identity, "TSTP")

    @operation
    async def stop(self) -> None:
        """Tell it to finish its jobs within its timeout, and to exit."""
        self._must_be_signalable("stopped")
        await processes.send_signal(self.identity, "TERM")

    @operation
    async def dump_threads(self) -> None:
        """Tell it to log what each of its threads does."""
        await processes.send_signal(self.identity, "TTIN")

    @operation
    async def is_leader(self) -> bool:
        """Tell whether it leads the fleet: teep's, or that of Sidekiq Enterprise."""
        return self.identity in await leaders.leaders()

    def _weights_of_capsules(self) -> list[dict[str, Any]]:
        found = (capsule.get("weights") for capsule in self.capsules.values())
        return [weights for weights in found if isinstance(weights, dict)]

    def _must_be_signalable(self, verb: str) -> None:
        if self.embedded:
            raise EmbeddedProcess(f"{self.identity} is embedded in another program and cannot be {verb} from outside")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.identity} busy {self.busy} of {self.concurrency}>"


def _number(told: Any) -> float:
    """Return a number that a process told of itself; 0 for what is none."""
    try:
        number = float(told)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) else 0.0


class Process(_Process, SyncApi): ...


class AsyncProcess(_Process, AsyncApi): ...


class _ProcessSet(Api, Generic[P]):
    """The live processes, by identity. `clean` first drops those whose heartbeat expired, at most once a minute.

    Sidekiq's ProcessSet.
    """

    _process: ClassVar[Callable[..., Any]]

    def __init__(
        self, clean: bool = True, *, config: Config | None = None, client: Client | AsyncClient | None = None
    ) -> None:
        super().__init__(config=config, client=client)
        self._clean = clean

    @operation
    async def size(self) -> int:
        """Return how many there are. Those that just died may be counted. One O(1) command."""
        await self._cleaned()
        return await processes.count()

    @operation
    async def total_concurrency(self) -> int:
        """Return how many jobs they could run together. Two round trips."""
        return sum(process.concurrency for process in await self._all())

    @operation
    async def total_rss_in_kb(self) -> int:
        """Return their resident memory in KB. Two round trips."""
        return sum(process.rss for process in await self._all())

    total_rss = total_rss_in_kb

    @operation
    async def leader(self) -> str:
        """Return the identity of the leader, or "" if there is none.

        If a teep fleet and one of Sidekiq Enterprise share a Redis, each has its own; this is teep's.
        """
        return await leaders.leader()

    @operation
    async def leaders(self) -> tuple[str, ...]:
        """Return the identities of teep's leader and of Sidekiq Enterprise's, as far as there are any."""
        return await leaders.leaders()

    @operation
    async def get(self, identity: str) -> P | None:
        """Return one process, or None."""
        found = await processes.get(identity)
        return None if found is None else self._process(found, config=self.config)

    @operation
    async def cleanup(self) -> int:
        """Drop dead processes, at most once a minute among all callers; returns how many."""
        return await processes.cleanup()

    async def _all(self) -> list[P]:
        await self._cleaned()
        return [self._process(process, config=self.config) for process in await processes.listing()]

    async def _cleaned(self) -> None:
        if self._clean:
            self._clean = False
            await processes.cleanup()

    def _walk(self) -> Callable[[], Plan[list[P] | None]]:
        return once(self._all)


class ProcessSet(_ProcessSet[Process], SyncCollection[Process]):
    _process = Process


class AsyncProcessSet(_ProcessSet[AsyncProcess], AsyncIterable[AsyncProcess]):
    _process = AsyncProcess


def leader(*, config: Config | None = None) -> str | None:
    """Return the identity of the process that leads the fleet, or None. One round trip.

    The leader is the process that fires periodic jobs. teep's own comes before that of Sidekiq Enterprise.
    """
    return SyncApi(config=config)._run(leaders.leader()) or None  # noqa: SLF001 - the pair's own protocol


async def async_leader(*, config: Config | None = None) -> str | None:
    """Return the identity of the process that leads the fleet, or None. One round trip."""
    return await AsyncApi(config=config)._run(leaders.leader()) or None  # noqa: SLF001 - as above
