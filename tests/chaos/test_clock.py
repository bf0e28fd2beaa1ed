"""The clocks' chaos in short, on one plot and always with its own seed; `make chaos` plays both for two minutes."""

from pathlib import Path

import pytest

from tests.chaos.clock.play import play

_SEED = 20_261_129


@pytest.mark.slow("seconds pass by the clock, and then all that is missed is caught up with")
def test_no_tick_is_lost_or_fired_twice_in_chaos(tmp_path: Path) -> None:
    result = play("server", _SEED, 3.0, tmp_path, workers=2)
    if result.failure:
        pytest.fail(result.failure, pytrace=False)
