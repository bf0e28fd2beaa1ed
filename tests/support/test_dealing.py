"""How the tests are dealt to the processes that share them."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.dealing import dealt


class _Test:
    def __init__(self, module: str, number: int, seconds: float = 4.0, **marks: str) -> None:
        self.nodeid = f"tests/test_{module}.py::test_{number}"
        self.seconds = seconds
        self.marks = marks

    def __repr__(self) -> str:
        return self.nodeid

    def get_closest_marker(self, name: str) -> Any:
        if name not in self.marks:
            return None
        return SimpleNamespace(args=[self.marks[name]], kwargs={"seconds": self.seconds})


def _tests() -> list[Any]:
    slow = [_Test(f"slow_{number % 12}", number, slow="why") for number in range(60)]
    quick = [_Test(f"quick_{number // 20}", number) for number in range(400)]
    browser = [_Test(f"browser_{number // 5}", number, xdist_group="chromium") for number in range(10)]
    return sorted([*quick, *slow, *browser], key=lambda test: test.nodeid)


def _parts(items: list[Any], processes: int) -> list[list[Any]]:
    """The parts that xdist gives to its processes."""
    left = list(items)
    parts = []
    for place in range(processes):
        size = len(left) // (processes - place)
        parts.append(left[:size])
        del left[:size]
    return parts


@pytest.mark.parametrize("processes", [1, 2, 6, 7])
def test_each_test_is_dealt_once_and_each_process_gets_its_share_of_the_slow(processes: int) -> None:
    tests = _tests()
    items = dealt(tests, processes)
    assert sorted(map(repr, items)) == sorted(map(repr, tests))
    for part in _parts(items, processes):
        slow = [place for place, test in enumerate(part) if test.get_closest_marker("slow")]
        assert abs(len(slow) - 60 / processes) <= 5  # a module's stay together
        assert max(slow) < len(part) * 0.9
    (owner,) = [part for part in _parts(items, processes) if any(test.marks.get("xdist_group") for test in part)]
    assert [test.marks.get("xdist_group") for test in owner[:10]] == ["chromium"] * 10


def test_the_longest_start_first_and_the_shares_take_as_long() -> None:
    lengths = [30.0, 20.0, 16.0, *[5.0] * 6, *[2.0] * 12]
    slow: list[Any] = [_Test(f"slow_{number}", number, each, slow="why") for number, each in enumerate(lengths)]
    quick: list[Any] = [_Test(f"quick_{number}", number) for number in range(200)]
    for part in _parts(dealt([*reversed(slow), *quick], 2), 2):
        seconds = [test.seconds for test in part if test.marks]
        assert seconds == sorted(seconds, reverse=True)
        assert abs(sum(seconds) - sum(lengths) / 2) <= 2


@pytest.mark.parametrize("count", range(5))
def test_few_tests_are_dealt_as_well(count: int) -> None:
    tests: list[Any] = [_Test("few", number, slow="why") for number in range(count)]
    assert sorted(map(repr, dealt(tests, 6))) == sorted(map(repr, tests))
