"""The clocks' chaos in short: each plot once, always with its own seed; `make chaos` plays it for two minutes."""

from pathlib import Path

import pytest

from tests.chaos.clock.play import play
from tests.chaos.stage import Plot

_SEEDS: dict[Plot, int] = {"server": 20_261_128, "sentinel": 20_261_129}


@pytest.mark.slow("twelve seconds pass by the clock, and then all that is missed is caught up with")
@pytest.mark.parametrize("plot", _SEEDS)
def test_no_tick_is_lost_or_fired_twice_in_chaos(plot: Plot, tmp_path: Path) -> None:
    result = play(plot, _SEEDS[plot], 12.0, tmp_path)
    if result.failure:
        pytest.fail(result.failure, pytrace=False)
