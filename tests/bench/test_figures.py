"""How tables show figures."""

from collections.abc import Sequence

import pytest

from bench.figures import durations, short, spread


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0041, "0.004"),
        (0.12, "0.12"),
        (1.517, "1.52"),
        (43.14, "43.1"),
        (200, "200"),
        (999.4, "999"),
        (999.9, "1.00k"),
        (14_120, "14.1k"),
        (100_000, "100k"),
        (999_700, "1.00M"),
        (1_000_000, "1M"),
    ],
)
def test_figures_are_short(value: float, shown: str) -> None:
    assert short(value) == shown


def test_the_extremes_stand_beside_the_median() -> None:
    assert spread([440_000, 685_000, 562_000]) == "562k (440k-685k)"
    assert spread([562_000]) == "562k"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        ([1.04, 1.21, 1.4], "1.2 s (1.0-1.4)"),
        ([0.0123, 0.95, 0.0451], "45 ms (12-950)"),
        ([0.00019, 0.00021, 0.00034], "210 µs (190-340)"),
        ([4e-8, 4e-8], "0.0 µs (0.0-0.0)"),
        ([0.0123], "12 ms"),
    ],
)
def test_durations_have_one_unit(seconds: Sequence[float], shown: str) -> None:
    assert durations(seconds) == shown
