"""The table of results: the counts of the standard library, package by package."""

from collections import Counter, defaultdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

import teep
from teep.demo.analysis import Counts

_SHOWN = 12
_LOOSE = "(single modules)"


def show_results(console: Console, library: Path, counts: dict[str, Counts]) -> None:
    """Print the largest packages, the sum of the others, and the sum of all."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("package", style="bold", footer="all")
    per_package = _by_package(library, counts)
    everything = [len(counts), *_sums(list(counts.values()))]
    for name, total in zip(("files", *Counts._fields), everything, strict=True):
        table.add_column(name, justify="right", footer=f"{total:,}")
    ranked = sorted(per_package.items(), key=lambda item: sum(one.lines for one in item[1]), reverse=True)
    for package, files in ranked[:_SHOWN]:
        _add(table, package, files)
    if rest := [one for _, files in ranked[_SHOWN:] for one in files]:
        _add(table, f"({len(ranked) - _SHOWN} more)", rest)
    console.print(table)


def show_failures(console: Console) -> None:
    """Print the errors of the failed jobs, which the retry set has."""
    errors = Counter(str(entry.error_class) for entry in teep.RetrySet())
    listed = ", ".join(f"{number} {error}" for error, number in errors.most_common())
    console.print(f"[red]{errors.total()} files[/] failed and wait in the retry set: {listed}.")


def _add(table: Table, package: str, files: list[Counts]) -> None:
    table.add_row(package, *(f"{number:,}" for number in (len(files), *_sums(files))))


def _sums(files: list[Counts]) -> list[int]:
    return [sum(column) for column in zip(*files, strict=True)]


def _by_package(library: Path, counts: dict[str, Counts]) -> dict[str, list[Counts]]:
    packages: dict[str, list[Counts]] = defaultdict(list)
    for path, file_counts in counts.items():
        parts = Path(path).relative_to(library).parts
        packages[parts[0] if len(parts) > 1 else _LOOSE].append(file_counts)
    return packages
