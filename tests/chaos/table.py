"""Results as a table, for `make chaos` and after the tests."""

from collections import Counter
from collections.abc import Sequence

from tests.chaos.scenario import Result


def table(results: Sequence[Result]) -> list[str]:
    """Return one line a scenario, and their sum."""
    head = (
        "seed",
        "plot",
        "on",
        "jobs",
        "iterable",
        "refused",
        "expired",
        "runs",
        "kills",
        "faults",
        "repeated",
        "lost",
        "batches",
        "stuck",
        "seconds",
    )
    rows = [
        (
            str(result.part.seed), result.part.plot, result.kind, f"{result.jobs:,}", f"{result.iterable:,}",
            f"{result.refused:,}", f"{result.expired:,}", f"{result.runs:,}",
            str(result.faults["kill_worker"]), str(result.faults.total()), str(result.repeats.total()),
            str(result.lost), str(result.batches["batches"]), str(result.batches["stuck"]), f"{result.seconds:.0f}",
        )
        for result in results
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    causes: Counter[str] = sum((result.repeats for result in results), Counter())
    batches: Counter[str] = sum((result.batches for result in results), Counter())
    faults: Counter[str] = sum((result.faults for result in results), Counter())
    sums = (("repeats by cause:", causes), ("batches:", batches), ("faults:", faults))
    return [*lines, *(line for name, counter in sums for line in (name, *_counted(counter)))]


def _counted(counter: Counter[str]) -> list[str]:
    return [f"  {count:6,}  {name}" for name, count in counter.most_common()]
