"""In which order the tests run, so that two cores have work all the time, and none is left alone in the end.

A slow test waits most of its time, and a quick one computes. xdist's worksteal gives each process a part of the list
in a row, and later moves what is at the end of the longest part: so each part is dealt its share of the slow tests,
the longest of them first, spread among the quick ones, and its end has none.

`@pytest.mark.xdist_group("name")` is on tests that share what starts slowly, such as a browser: they stay together.
"""

import os
from collections.abc import Sequence
from itertools import groupby

import pytest

# The end of each part, that much of its quick tests, has no slow ones between.
_END = 0.4
# Seconds that a slow test takes if it does not say how many, and that another one takes.
_USUAL, _QUICK = 4.0, 0.5

_Unit = list[pytest.Item]


def pytest_configure(config: pytest.Config) -> None:
    # xdist has it too, but the tests run without xdist as well.
    config.addinivalue_line("markers", "xdist_group(name): it shares what starts slowly with others of this name")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def dealt(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """Return the tests so that each process, when xdist divides them, gets its share of the slow ones."""
    apart: list[pytest.Item] = []
    quick: list[pytest.Item] = []
    for item in items:
        (apart if _is_slow(item) or _group(item) else quick).append(item)
    shares: list[list[_Unit]] = [[] for _ in range(processes)]
    weights = [0.0] * processes
    # Groups first, then the longest: so they start first, and the last ones make the shares alike.
    for unit in sorted(_units(sorted(apart, key=_group)), key=lambda unit: (not _group(unit[0]), -_seconds(unit))):
        lightest = weights.index(min(weights))
        shares[lightest].append(unit)
        weights[lightest] += _seconds(unit)
    order: list[pytest.Item] = []
    for place, share in enumerate(shares):
        # As xdist divides the list.
        size = (len(items) - len(order)) // (processes - place)
        own = len(quick) if place == processes - 1 else max(0, size - sum(map(len, share)))
        order += _spread(share, quick[:own])
        del quick[:own]
    return order


def _spread(share: Sequence[_Unit], quick: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Put units between the modules of the quick tests."""
    every = len(quick) * (1 - _END) / (len(share) or 1)
    spread: list[pytest.Item] = []
    waiting = list(share)
    done = 0
    for unit in _units(quick):
        while waiting and done >= every * (len(share) - len(waiting)):
            spread += waiting.pop(0)
        spread += unit
        done += len(unit)
    return [*spread, *(item for unit in waiting for item in unit)]


def _units(items: Sequence[pytest.Item]) -> list[_Unit]:
    """Those that follow each other and are of one group, or of one module."""
    return [list(unit) for _, unit in groupby(items, lambda item: _group(item) or item.nodeid.partition("::")[0])]


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _seconds(unit: _Unit) -> float:
    """Return about how long some tests take."""
    markers = [item.get_closest_marker("slow") for item in unit]
    return sum(float(marker.kwargs.get("seconds", _USUAL)) if marker else _QUICK for marker in markers)


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else ""
