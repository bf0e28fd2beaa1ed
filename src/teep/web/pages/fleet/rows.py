"""What is shown of processes and running jobs, whatever any of them wrote about itself."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from teep.api import AsyncJobRecord, AsyncProcess, IterableState, Work
from teep.api.fleet.work import Progress
from teep.web.guard.access import Access
from teep.web.lists import MOST_SHOWN, arguments_of
from teep.web.rendering import printable

SILENT = 30.0
"""Seconds without a heartbeat after which a process is shown as silent; they come every ten."""

_CURSOR = 200
_MOST = 10**15


@dataclass(frozen=True)
class CapsuleRow:
    """A part of a process that serves some queues; Sidekiq tells its mode and concurrency since 8.0.9."""

    name: str
    mode: str
    concurrency: int | None
    weights: Mapping[str, int]


@dataclass(frozen=True)
class ProcessRow:
    """A process as Busy shows it."""

    identity: str
    name: str
    tag: str
    labels: Sequence[str]
    version: str
    capsules: Sequence[CapsuleRow]
    busy: int
    threads: int
    memory: int
    beat: datetime | None
    started: datetime | None
    rtt_us: int
    late: int
    is_quiet: bool
    is_embedded: bool
    is_leader: bool
    is_silent: bool

    @property
    def is_ours(self) -> bool:
        """Whether it is teep's, and does all that teep's do."""
        return self.version.startswith("teep ")

    @property
    def use(self) -> int:
        """Its utilisation, in percent."""
        return percent(self.busy, self.threads)


@dataclass(frozen=True)
class WorkRow:
    """A running job as Busy shows it. `elapsed` is in seconds."""

    process: str
    thread: str
    queue: str
    elapsed: float
    since: datetime | None
    klass: str
    jid: str
    arguments: str | None
    tags: Sequence[str]
    state: IterableState | None
    cursor: str
    progress: Progress | None


def process_row(process: AsyncProcess, leaders: Collection[str], now: datetime) -> ProcessRow:
    """Return what is shown of a process."""
    beat = _time(process["beat"])
    labels = process["labels"]
    return ProcessRow(
        identity=process.identity,
        name=f"{text(process['hostname'])}:{text(process['pid'])}",
        tag=text(process["tag"]),
        labels=[text(label) for label in labels] if isinstance(labels, list) else [],
        version=text(process["version"]),
        capsules=capsules_of(process),
        busy=whole(process.busy),
        threads=threads_of(process),
        memory=whole(process.rss) * 1024,
        beat=beat,
        started=_time(process["started_at"]),
        rtt_us=process.rtt_us,
        late=process.late,
        is_quiet=process.stopping,
        is_embedded=process.embedded,
        is_leader=process.identity in leaders,
        is_silent=beat is None or (now - beat).total_seconds() > SILENT,
    )


def work_row(work: Work[AsyncJobRecord], access: Access, state: IterableState | None) -> WorkRow:
    """Return what is shown of a running job."""
    job = work.job
    arguments = arguments_of(access, job)
    cursor = "" if state is None or state.cursor is None else json.dumps(state.cursor, ensure_ascii=False)
    return WorkRow(
        process=work.process_id,
        thread=printable(work.thread_id),
        queue=work.queue,
        elapsed=work.elapsed,
        since=_since(work),
        klass=printable(job.display_class),
        jid=printable(job.jid),
        arguments=arguments if arguments is None else arguments[:MOST_SHOWN],
        tags=[printable(str(tag)) for tag in job.tags],
        state=state,
        cursor=printable(cursor[:_CURSOR]),
        progress=None if (told := work.progress) is None else told._replace(note=printable(told.note)),
    )


def capsules_of(process: AsyncProcess) -> list[CapsuleRow]:
    """Return the capsules of a process; of one that tells none, what it says of its queues."""
    told = process["capsules"]
    if isinstance(told, dict) and told:
        return [_capsule(name, fields) for name, fields in told.items() if isinstance(fields, dict)]
    weights = process["weights"]
    if isinstance(weights, list) and weights:
        return [CapsuleRow("", "", None, _weights(some)) for some in weights]
    queues = process["queues"]
    return [CapsuleRow("", "", None, {str(queue): 0 for queue in queues})] if isinstance(queues, list) else []


def threads_of(process: AsyncProcess) -> int:
    """Return how many jobs a process runs at a time; 0 if it says nothing that is a number."""
    return whole(process.concurrency)


def whole(number: int) -> int:
    """Return a number that a process told of itself as it is shown; of none that could be, the nearest one."""
    return min(max(number, 0), _MOST)


def percent(busy: int, threads: int) -> int:
    """Return a utilisation in percent."""
    return min(round(100 * busy / threads), 100) if threads > 0 else 0


def text(value: Any) -> str:
    """Return a value of a process as it is shown; "" for none."""
    return "" if value is None else printable(str(value))


def _capsule(name: str, fields: Mapping[str, Any]) -> CapsuleRow:
    concurrency = fields.get("concurrency")
    own = whole(concurrency) if type(concurrency) is int else None
    return CapsuleRow(text(name), text(fields.get("mode")), own, _weights(fields.get("weights")))


def _weights(told: Any) -> dict[str, int]:
    if not isinstance(told, dict):
        return {}
    return {str(queue): weight if type(weight) is int else 0 for queue, weight in told.items()}


def _since(work: Work[AsyncJobRecord]) -> datetime | None:
    try:
        return work.run_at
    except (OverflowError, ValueError, OSError):
        return None


def _time(seconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (TypeError, OverflowError, ValueError, OSError):
        return None
