"""Enumerators for `build_enumerator` to return: pairs of an item and its cursor.

A cursor names an item, and an enumerator begins with that item, the first that is not certainly done. Sidekiq has the
same rule, so a job may go on in Ruby where it stopped in Python.
"""

import csv
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from teep.errors import InvalidJob, InvalidType, InvalidValue

T = TypeVar("T")
K = TypeVar("K")
Source = str | os.PathLike[str] | Iterable[Any]
_ID: Callable[[Any], Any] = attrgetter("id")


def array_enumerator(items: Sequence[T], *, cursor: int | None) -> Iterator[tuple[T, int]]:
    """Give each item of a list, or of any other sequence; the cursor is the position.

    Sidekiq's array_enumerator.
    """
    for position in range(cursor or 0, len(items)):
        yield items[position], position


def array_batches_enumerator(
    items: Sequence[T], *, cursor: int | None, batch_size: int = 100
) -> Iterator[tuple[Sequence[T], int]]:
    """Give slices of `batch_size` items; the cursor is a slice's number. Sidekiq's array_batches_enumerator."""
    _check_batch_size(batch_size)
    for number in range(cursor or 0, -(-len(items) // batch_size)):
        yield items[number * batch_size : (number + 1) * batch_size], number


def iterable_enumerator(items: Iterable[T], *, cursor: int | None) -> Iterator[tuple[T, int]]:
    """Give each item of an iterable that gives the same ones each time; the cursor is the position.

    To resume, it reads and drops the items that are done.
    """
    yield from islice(zip(items, count(), strict=False), cursor or 0, None)


async def async_enumerator(items: AsyncIterable[T], *, cursor: int | None) -> AsyncIterator[tuple[T, int]]:
    """As `iterable_enumerator`, of an asynchronous iterable."""
    position = 0
    async for item in items:
        if position >= (cursor or 0):
            yield item, position
        position += 1


def csv_enumerator(source: Source, *, cursor: int | None) -> Iterator[tuple[Any, int]]:
    """Give each row of a CSV file; the cursor is its number, from 0. Sidekiq's csv_enumerator.

    `source`: the path of a UTF-8 file (as Excel writes it, too) with a header, whose rows are dicts then; or a
    `csv.reader` or `DictReader`.
    To resume, it reads the rows before the cursor.
    """
    yield from iterable_enumerator(_rows(source), cursor=cursor)


def csv_batches_enumerator(
    source: Source, *, cursor: int | None, batch_size: int = 100
) -> Iterator[tuple[list[Any], int]]:
    """As `csv_enumerator`, `batch_size` rows at a time; the cursor is a batch's number.

    Sidekiq's csv_batches_enumerator.
    """
    _check_batch_size(batch_size)
    rows = iter(_rows(source))
    batches = iter(lambda: list(islice(rows, batch_size)), [])
    yield from iterable_enumerator(batches, cursor=cursor)


def records_enumerator(
    page: Callable[[K | None, int], Sequence[T]],
    *,
    cursor: K | None,
    key: Callable[[T], K] = _ID,
    batch_size: int = 1000,
) -> Iterator[tuple[T, K]]:
    """Give each record of a table by its unique key, a page at a time; the cursor is the record's key.

    `page(start, limit)` returns the next records from a key on, that one included, in the order of `key`, and at
    most `limit`, which is `batch_size` and one; None is from the first. With Django it may be `lambda start, limit:
    User.objects.filter(id__gte=start or 0).order_by("id")[:limit]`. Sidekiq's active_record_records_enumerator.

    Raises:
        InvalidJob: two records have the same key, or `batch_size` is not positive.
    """
    _check_batch_size(batch_size)
    start, is_given = cursor, False
    while records := list(page(start, batch_size + 1)):
        if is_given and key(records[0]) == start:
            del records[0]
        if not records:
            return
        for record in records:
            if is_given and key(record) == start:
                raise InvalidJob(f"two records have the key {start!r}; give records_enumerator a key that is unique")
            start, is_given = key(record), True
            yield record, start


def _check_batch_size(batch_size: int) -> None:
    """Refuse a batch size with which a job would end at once, or never."""
    if type(batch_size) is not int or batch_size < 1:
        kind = InvalidValue if type(batch_size) is int else InvalidType
        raise kind(f"batch_size must be a whole number from 1, not {batch_size!r}")


def _rows(source: Source) -> Iterable[Any]:
    if not isinstance(source, (str, os.PathLike)):
        yield from source
        return
    with Path(source).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)
