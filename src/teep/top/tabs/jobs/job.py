"""A job as lists and details show it, whatever lies in its payload."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from teep.api.jobs.entries import AsyncSortedEntry
from teep.api.jobs.records import AsyncJobRecord
from teep.top.lists.rows import Line, Row
from teep.top.lists.text import MOST, arguments, as_json, number, plain, span, stamp
from teep.top.tabs.tab import facts

Record = AsyncJobRecord | AsyncSortedEntry

LONGEST = 20_000
"""Characters of a field in a detail."""

# Fields that have a place of their own in a detail; all others are listed as they are.
_SHOWN = frozenset(
    {
        "class", "wrapped", "display_class", "args", "kwargs", "jid", "queue", "tags", "created_at", "enqueued_at",
        "failed_at", "retried_at", "retry_count", "error_class", "error_message", "error_backtrace", "bid",
    }
)  # fmt: skip


def rows_of(records: Iterable[Record], cells: Callable[[Any], tuple[str, ...]]) -> list[Row]:
    """Return jobs as rows. A job is named by its jid; also by its bytes, if others have the same or it has none."""
    found, seen = [], Counter[str]()
    for record in records:
        key = record.jid or record.digest
        if seen[key]:
            key = f"{key} {record.digest} {seen[key]}"
        seen[record.jid or record.digest] += 1
        found.append(Row(key, cells(record), record, "" if record.is_job else "muted"))
    return found


def args_of(record: Record) -> str:
    """Return a job's arguments in a line; bytes that are no job as they are."""
    return arguments(record.display_args) if record.is_job else plain(record.value)


def error_of(record: Record) -> str:
    """Return what a job failed with, in a line."""
    error, message = plain(record.error_class), plain(record.error_message)
    return f"{error}: {message}" if error and message else error or message


def detail_of(record: Record, where: str, more: Iterable[tuple[str, str]] = ()) -> list[Line]:
    """Return all that a job's payload says. `more` are facts about where it is."""
    head = [
        Line(plain(record.display_class) or "These bytes are no job.", "title"),
        *facts(
            [
                ("jid", plain(record.jid)),
                ("where", where),
                ("queue", plain(record.queue)),
                ("batch", plain(record.bid)),
                ("tags", plain(", ".join(map(str, record.tags)))),
                *more,
                ("tries", "" if record.tries is None else number(record.tries)),
                ("created", stamp(record.created_at)),
                ("enqueued", stamp(record.enqueued_at)),
                ("failed", stamp(record.failed_at)),
                ("retried", stamp(record.retried_at)),
            ]
        ),
    ]
    return [*head, *_failure(record), *_arguments(record), *_others(record)]


def raw_lines(raw: bytes) -> list[Line]:
    """Return a payload as it lies in Redis, harmless."""
    text = raw.decode(errors="surrogateescape")
    lines = [Line(plain(text, LONGEST))]
    if len(text) > LONGEST:
        lines.append(Line(f"… and {len(text) - LONGEST:,} characters more: teep job JID --raw prints all.", "muted"))
    return lines


def waited(record: Record) -> str:
    """Return how long a job has waited since it was enqueued."""
    return span(record.latency) if record.enqueued_at or record.created_at else ""


def _failure(record: Record) -> list[Line]:
    error = plain(record.error_class)
    if not error and not record.error_message:
        return []
    message = str(record.error_message or "")[:LONGEST].splitlines() or [""]
    lines = [Line(), Line(error or "error", "bad"), *(Line(plain(line, LONGEST), indent=0) for line in message)]
    return lines + [Line(plain(line), "muted", 4) for line in (record.error_backtrace or ())[:200]]


def _arguments(record: Record) -> list[Line]:
    if not record.is_job:
        return [Line(), *raw_lines(record.raw)]
    lines = [Line(), Line("arguments", "label"), *_pretty(record.display_args)]
    if keywords := record["kwargs"]:
        lines += [Line("keyword arguments", "label"), *_pretty(keywords)]
    return lines


def _others(record: Record) -> list[Line]:
    others = {name: value for name, value in record.item.items() if name not in _SHOWN}
    if not others or not record.is_job:
        return []
    return [
        Line(),
        Line("other fields", "label"),
        *facts([(plain(name, 40), _short(value)) for name, value in others.items()]),
    ]


def _pretty(value: Any) -> list[Line]:
    text = as_json(value, indent=2)
    return [Line(plain(line, LONGEST), indent=2) for line in text[:LONGEST].splitlines()]


def _short(value: Any) -> str:
    return plain(as_json(value), MOST)
