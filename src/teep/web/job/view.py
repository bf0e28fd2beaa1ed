"""What is shown of one job: wherever it is, all that its payload says, and how it came there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from teep.api import AsyncJobRecord, AsyncSortedEntry, AsyncWorkSet, IterableState, UniqueLock
from teep.api.batches import is_ours
from teep.api.display import ENCRYPTED
from teep.errors import RedisCommandError
from teep.web import urls
from teep.web.guard.access import Access
from teep.web.job import tree
from teep.web.job.tree import Node
from teep.web.rendering import Visit, printable

Where = Literal["busy", "queues", "scheduled", "retries", "dead"]

# The event that a job's score tells of.
_BY_SCORE = {"scheduled": "due", "retries": "next", "dead": "died"}
# Fields that have a place of their own on the page; all others are listed as they are.
_SHOWN = frozenset(
    {
        "class", "wrapped", "display_class", "args", "kwargs", "jid", "queue", "tags", "created_at", "enqueued_at",
        "failed_at", "retried_at", "retry_count", "error_class", "error_message", "error_backtrace", "unique_lock",
    }
)  # fmt: skip


class Found(NamedTuple):
    """A job that was found: where, its record, and the path of the page that shows it."""

    where: Where
    record: AsyncJobRecord | AsyncSortedEntry
    path: str


class Event(NamedTuple):
    """A moment of a job's life, by the name of its word; `after` are the seconds since the one before."""

    name: str
    at: datetime
    after: float | None


class Running(NamedTuple):
    """Where a job runs, as of a heartbeat."""

    process: str
    thread: str
    seconds: float


class JobView(NamedTuple):
    """A job as a template shows it. `arguments` and `keywords` are None if they are hidden, or there are none."""

    where: Where
    path: str
    klass: str
    jid: str
    jid_path: str
    queue: str
    queue_path: str
    tags: list[str]
    is_job: bool
    tries: int | None
    error_class: str
    error_message: str
    backtrace: list[str]
    arguments: Node | None
    keywords: Node | None
    is_hidden: bool
    timeline: list[Event]
    others: list[tuple[str, Node]]
    context: list[tuple[str, Node]]
    iteration: IterableState | None
    cursor: Node | None
    lock: UniqueLock | None
    lock_path: str
    """The page of the job that has the lock."""
    running: Running | None
    batch: str
    """The bid of its batch, or workflow, "" if it has none that teep knows."""
    node: str
    """Which node of the workflow it is, "" of a job of a batch."""
    callback_of: str
    """The bid of the batch that it tells of."""
    rows: list[tuple[str, str]]
    """What users tell besides."""


async def view_of(visit: Visit, found: Found) -> JobView:
    """Read what belongs to a job, and return all that is shown. Up to four round trips; one or none for most."""
    record, where = found.record, found.where
    running, started = await _running(visit, record) if where == "busy" else (None, None)
    iteration = await record.iterable_state() if record.jid else None
    fields = tree.fields(record.raw)
    listed = {name: value for name, value in fields.items() if name not in _SHOWN}
    context = {name: listed.pop(name) for name in [*listed] if name == "cattr" or name.startswith("cattr_")}
    batch, callback_of = (listed.pop(name) if is_ours(listed.get(name)) else "" for name in ("bid", "callback_of"))
    lock = await _lock(record)
    arguments, keywords = arguments_of(visit.access, record)
    return JobView(
        where=where,
        path=found.path,
        klass=printable(record.display_class),
        jid=printable(record.jid),
        jid_path=f"jobs/{urls.to_path(record.jid)}",
        queue=printable(record.queue),
        queue_path=f"queues/{urls.to_path(record.queue)}",
        tags=[printable(str(tag)) for tag in record.tags],
        is_job=record.is_job,
        tries=record.tries,
        error_class=_text(record.error_class),
        error_message=_text(record.error_message),
        backtrace=[printable(line) for line in record.error_backtrace or ()],
        arguments=arguments,
        keywords=keywords,
        is_hidden=visit.access.arguments == "hide",
        timeline=_timeline(found, started),
        context=_nodes(context),
        iteration=iteration,
        cursor=None if iteration is None else tree.tree(tree.plain(iteration.cursor)),
        lock=None if lock is None else lock._replace(holder=printable(lock.holder)),
        lock_path="" if lock is None else f"jobs/{urls.to_path(lock.holder)}",
        running=running,
        batch=batch,
        node=printable(str(listed.pop("node"))) if batch and "node" in listed else "",
        callback_of=callback_of,
        others=_nodes(listed),
        rows=[(printable(name), printable(value)) for told in visit.site.job_rows for name, value in told(record)],
    )


def arguments_of(access: Access, record: AsyncJobRecord | AsyncSortedEntry) -> tuple[Node | None, Node | None]:
    """Return the arguments of a job, and those by keyword, as this visitor may see them."""
    if access.arguments == "hide":
        return None, None
    if callable(access.arguments):
        return tree.tree(tree.plain(access.arguments(record))), None
    keywords = tree.fields(record.raw).get("kwargs")
    return tree.tree(arguments(record)), tree.tree(keywords) if keywords else None


def arguments(record: AsyncJobRecord | AsyncSortedEntry) -> Any:
    """Return the arguments that a person would recognise, as the payload's bytes have them."""
    args = tree.fields(record.raw).get("args")
    if not isinstance(args, list) or isinstance(args, tree.Pairs):
        return [record.value]
    if record.display_args is record.args:
        return args
    if record["encrypt"] and record.display_args[-1:] == [ENCRYPTED]:
        return [*args[:-1], ENCRYPTED]
    return tree.plain(record.display_args)


def may_edit(access: Access, record: AsyncJobRecord | AsyncSortedEntry) -> bool:
    """Tell whether a visitor may change a job's arguments: that takes seeing them, too."""
    return access.may("edit") and access.sees_arguments and record.is_job


def _timeline(found: Found, started: datetime | None) -> list[Event]:
    record = found.record
    moments = [
        ("created", record.created_at),
        ("failed", record.failed_at),
        ("enqueued", record.enqueued_at),
        ("retried", record.retried_at),
        ("started", started),
    ]
    if isinstance(record, AsyncSortedEntry):
        moments.append((_BY_SCORE[found.where], record.at))
    known = sorted(((at, name) for name, at in moments if at is not None), key=lambda moment: moment[0])
    before: Sequence[datetime | None] = [None, *(at for at, _ in known)]
    return [
        Event(name, at, None if last is None else (at - last).total_seconds())
        for (at, name), last in zip(known, before, strict=False)
    ]


async def _running(visit: Visit, record: AsyncJobRecord | AsyncSortedEntry) -> tuple[Running | None, datetime | None]:
    work = await AsyncWorkSet(config=visit.config).find_work(record.jid)
    if work is None:
        return None, None
    return Running(printable(work.process_id), printable(work.thread_id), work.elapsed), work.run_at


async def _lock(record: AsyncJobRecord | AsyncSortedEntry) -> UniqueLock | None:
    try:
        return await record.unique_lock()
    except RedisCommandError:  # what the payload names is no lock
        return None


def _nodes(fields: dict[str, Any]) -> list[tuple[str, Node]]:
    return [(printable(name), tree.tree(value)) for name, value in fields.items()]


def _text(value: Any) -> str:
    return "" if value is None else printable(str(value))
