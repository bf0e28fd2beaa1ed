"""Who serves a queue, and what holds it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from teep.api import AsyncJobRecord, AsyncProcess
from teep.api.fleet.fleet import FleetState
from teep.web.pages.fleet.rows import capsules_of, threads_of

State = FleetState[AsyncProcess, AsyncJobRecord]
# A capsule's name, its order, and the queue's weight in it.
_Kind = tuple[str, str, int]


@dataclass
class Service:
    """Capsules of one kind that serve a queue, over all processes.

    `busy` counts their jobs of this queue that run, `quiet` the processes that take no more.
    """

    capsule: str = ""
    mode: str = ""
    weight: int = 0
    processes: int = 0
    threads: int = 0
    busy: int = 0
    quiet: int = 0


@dataclass(frozen=True)
class Served:
    """How a queue is served: the capsules that do, their processes and threads, and its jobs that run."""

    services: Sequence[Service] = ()
    processes: int = 0
    threads: int = 0
    open_threads: int = 0
    """Threads in processes that take jobs."""
    free: int = 0
    """Threads in them that run nothing; Redis does not say in which capsule."""
    busy: int = 0


@dataclass
class _Seen:
    """What was seen of a queue so far."""

    kinds: dict[_Kind, Service] = field(default_factory=dict)
    processes: int = 0
    open_threads: int = 0
    free: int = 0

    def served(self, busy: int) -> Served:
        services = sorted(self.kinds.values(), key=lambda one: (-one.threads, one.capsule))
        return Served(
            services=services,
            processes=self.processes,
            threads=sum(one.threads for one in services),
            open_threads=self.open_threads,
            free=self.free,
            busy=busy,
        )


def services_of(state: State) -> Mapping[str, Served]:
    """Return how each queue is served that any live process names, or that has a job running."""
    running = Counter((work.process_id, work.queue) for work in state.work)
    by_queue = Counter(work.queue for work in state.work)
    seen: dict[str, _Seen] = {}
    for process in state.processes:
        _add(seen, process, running)
    return {queue: seen.get(queue, _Seen()).served(by_queue[queue]) for queue in seen.keys() | by_queue.keys()}


def held_by(served: Served, *, paused: bool, waiting: int) -> str:
    """Return the word for what keeps a queue's jobs from being run: "" if nothing does."""
    if paused:
        return "paused"
    if not served.processes:
        return "nobody"
    if not served.open_threads:
        return "quiet"
    return "" if served.free or not waiting else "full"


def _add(seen: dict[str, _Seen], process: AsyncProcess, running: Counter[tuple[str, str]]) -> None:
    threads = threads_of(process)
    named = set[str]()
    for capsule in capsules_of(process):
        for queue, weight in capsule.weights.items():
            of = seen.setdefault(queue, _Seen())
            one = of.kinds.setdefault(
                (capsule.name, capsule.mode, weight), Service(capsule.name, capsule.mode, weight)
            )
            own = threads if capsule.concurrency is None else capsule.concurrency
            one.processes += 1
            one.threads += own
            one.busy += 0 if queue in named else running[process.identity, queue]
            one.quiet += process.stopping
            if not process.stopping:
                of.open_threads += own
            named.add(queue)
    for queue in named:
        seen[queue].processes += 1
        if not process.stopping:
            seen[queue].free += max(threads - process.busy, 0)
