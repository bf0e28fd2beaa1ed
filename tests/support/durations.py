"""Slow tests: each says why it is, and a table shows what all of them take. They are dealt: see dealing.py.

`@pytest.mark.slow("why")` belongs on a test of more than two seconds, and `seconds=20` on one that takes about so
many, so that it starts early. A run does not fail because a test takes longer without it, since the machine may be
busy; the table after the run says so.
"""

import os
from collections import defaultdict
from collections.abc import Generator

import pytest

_LIMIT = 2.0
_SHOWN = 15
_REASON = "slow"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow(why, seconds=4): it takes more than two seconds, and says for what")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        _reason(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    report.user_properties.append((_REASON, _reason(item)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    seconds: defaultdict[str, float] = defaultdict(float)
    reasons: dict[str, object] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid] += report.duration
                reasons[report.nodeid] = dict(report.user_properties).get(_REASON)
    slowest = sorted(seconds, key=lambda nodeid: -seconds[nodeid])
    # What else the machine has done meanwhile made all of them slower.
    limit = _LIMIT * max(1.0, os.getloadavg()[1] / (os.cpu_count() or 1))
    if slow := [nodeid for nodeid in slowest if seconds[nodeid] > limit]:
        terminalreporter.section(f"{len(slow)} tests of more than {limit:.1f} s")
        without = [nodeid for nodeid in slow if not reasons[nodeid]]
        for nodeid in [*slow[:_SHOWN], *(nodeid for nodeid in without if nodeid not in slow[:_SHOWN])]:
            terminalreporter.write_line(
                f"{seconds[nodeid]:6.1f} s  {nodeid}: {reasons[nodeid] or 'WITHOUT A REASON'}"
            )


def _reason(item: pytest.Item) -> str:
    marker = item.get_closest_marker("slow")
    if marker is None:
        return ""
    if len(marker.args) != 1 or not isinstance(marker.args[0], str) or not marker.args[0].strip():
        raise pytest.UsageError(f'{item.nodeid} needs the reason why it is slow: @pytest.mark.slow("why")')
    if marker.kwargs.keys() - {"seconds"}:
        raise pytest.UsageError(f"{item.nodeid} is slow, which takes no other argument than seconds")
    return marker.args[0]
