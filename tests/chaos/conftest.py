"""Says after the tests what the scenarios came to, each with its seed."""

import pytest

from tests.chaos.scenario import Result
from tests.chaos.table import table

PLAYED = pytest.StashKey[list[Result]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[PLAYED] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if results := config.stash.get(PLAYED, []):
        terminalreporter.section("chaos")
        for line in table(results):
            terminalreporter.write_line(line)
