"""What a `build_enumerator` may return: pairs of an item and its cursor.

A cursor names an item, and an enumerator begins with that item: it is the first that is not certainly done. That is
Sidekiq's rule, too, so a job may go on in Ruby where it stopped in Python.
"""

import csv
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
K = TypeVar("K")
Source = str | os.PathLike[str] | Iterable[Any]
_ID: Callable[[Any], Any] = attrgetter("id")


def array_enumerator(items: Sequence[T], *, cursor: int | None) -> Iterator[tuple[T, int]]:
    """Give each item of a list, or whatever else has positions; the cursor is the position.

    Sidekiq's array_enumerator.
    """
    for position in range(cursor or 0, len(items)):
        yield items[position], position


def array_batches_enumerator(
    items: Sequence[T], *, cursor: int | None, batch_size: int = 100
) -> Iterator[tuple[Sequence[T], int]]:
    """Give slices of `batch_size` items; the cursor is a slice's number. Sidekiq's array_batches_enumerator."""
    for number in range(cursor or 0, -(-len(items) // batch_size)):
        yield items[number * batch_size : (number + 1) * batch_size], number


def iterable_enumerator(items: Iterable[T], *, cursor: int | None) -> Iterator[tuple[T, int]]:
    """Give each item of any iterable that gives the same ones again, such as a generator; the cursor is the position.

    To resume, it reads and drops what is done.
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

    `source`: the path of a UTF-8 file with a header, whose rows are dicts then; or a `csv.reader` or `DictReader`.
    To resume, it reads the rows before.
    """
    yield from iterable_enumerator(_rows(source), cursor=cursor)


def csv_batches_enumerator(
    source: Source, *, cursor: int | None, batch_size: int = 100
) -> Iterator[tuple[list[Any], int]]:
    """As `csv_enumerator`, `batch_size` rows at a time; the cursor is a batch's number.

    Sidekiq's csv_batches_enumerator.
    """
    rows = iter(_rows(source))
    batches = iter(lambda: list(islice(rows, batch_size)), [])
    yield from iterable_enumerator(batches, cursor=cursor)


def records_enumerator(
    page: Callable[[K | None], Sequence[T]], *, cursor: K | None, key: Callable[[T], K] = _ID
) -> Iterator[tuple[T, K]]:
    """Give each record of a table by its key, a page at a time; the cursor is the record's key.

    `page` returns the next records from a key on, that one included, in the order of `key`, and at least two where
    there are so many; None is from the first. With Django it may be `lambda start:
    User.objects.filter(id__gte=start or 0).order_by("id")[:1000]`. Sidekiq's active_record_records_enumerator.
    """
    start, is_first_page = cursor, True
    while records := list(page(start)):
        if not is_first_page and key(records[0]) == start:
            del records[0]
        for record in records:
            start = key(record)
            yield record, start
        if not records:
            return
        is_first_page = False


def _rows(source: Source) -> Iterable[Any]:
    if not isinstance(source, (str, os.PathLike)):
        yield from source
        return
    with Path(source).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
