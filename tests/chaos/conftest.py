"""Says after the tests what the scenarios came to, each with its seed."""

import pytest

from tests.chaos.scenario import Result
from tests.chaos.table import table

_PROPERTY = "chaos"


def tell(item: pytest.Item, result: Result) -> None:
    """Keep the result with the test's report, which may be printed by another process than this one."""
    item.user_properties.append((_PROPERTY, "\n".join(table([result]))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                for text in (str(value) for name, value in report.user_properties if name == _PROPERTY):
                    terminalreporter.section("chaos")
                    terminalreporter.write_line(text)
