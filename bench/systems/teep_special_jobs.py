"""teep with no-op jobs that have an option of the kind BENCH_KIND; the program that runs them also pushes them."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import teep
from bench.systems import work

_KIND = os.environ["BENCH_KIND"]


def _unique() -> Any:
    return teep.job(name="Noop", unique_for=3600)(work.noop)


def _encrypted() -> Any:
    teep.encryption.enable(active_version=1, key={1: b"k" * 32})

    @teep.job(name="Noop", encrypt=True)
    def noop(number: int, _secret: str) -> None:
        work.noop(number)

    return noop


def _iterable() -> Any:
    class Noop(teep.IterableJob, name="Noop"):
        def build_enumerator(self, number: int, *, cursor: Any) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([number], cursor=cursor)

        def each_iteration(self, item: int, _number: int) -> None:
            work.noop(item)

    return Noop


def _limited() -> Any:
    return teep.job(name="Noop", limit=teep.limits.leaky("bench", 10**9, "day"))(work.noop)


def _held() -> Any:
    return teep.job(name="Noop", limit=teep.limits.concurrent("bench", 10_000))(work.noop)


def _batch() -> Any:
    return teep.job(name="Noop")(work.noop)


_KINDS = {
    "batch": _batch,
    "unique": _unique,
    "encrypted": _encrypted,
    "iterable": _iterable,
    "limited": _limited,
    "held": _held,
}
_job = _KINDS[_KIND]()


def one(_job_name: str, *args: int) -> None:
    _job.perform_async(*_args(args))


def bulk(_job_name: str, calls: Sequence[Sequence[int]]) -> None:
    if _KIND != "batch":
        _job.perform_bulk([_args(args) for args in calls])
        return
    # Blocks of a step each, so that its jobs are members of a set.
    batch = teep.Batch()
    for start in range(0, len(calls), 1_000):
        with batch.jobs():
            _job.perform_bulk(calls[start : start + 1_000])


def _args(args: Sequence[int]) -> list[Any]:
    return [*args, "a secret"] if _KIND == "encrypted" else list(args)
