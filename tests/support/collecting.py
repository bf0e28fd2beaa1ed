"""Of the processes that share the tests each collects them all, and begins with folders of its own.

Where nothing is compiled yet, as in CI, a process finds compiled what the others have begun with: else all would
compile the same file at the same moment. In the end all have the tests in the one order.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent.parent
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

_order: dict[str, int] = {}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.path == _TESTS and isinstance(collector, pytest.Directory):
        found = report.result
        _order.update({node.path.name: place for place, node in enumerate(found)})
        report.result = sorted(found, key=lambda node: _order[node.path.name] % _PROCESSES != _PROCESS)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: _order.get(item.nodeid.removeprefix("tests/").partition("/")[0].partition("::")[0], 0)
    )
