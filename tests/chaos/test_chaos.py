"""The chaos suite in short: each plot once, with its own seed, without batches.

`make chaos` plays many, longer, and with batches and workflows, whose account may still complain without reason.
"""

from pathlib import Path

import pytest

from tests.chaos.conftest import tell
from tests.chaos.scenario import Part, play
from tests.chaos.stage import Plot

# An even seed plays on Valkey, an odd one on Redis.
_SEEDS: dict[Plot, int] = {"server": 20_261_128, "sentinel": 20_261_129}


@pytest.mark.slow("its faults take ten seconds, and what they left undone takes some more", seconds=20)
@pytest.mark.parametrize("plot", _SEEDS)
def test_nothing_is_lost_in_chaos(plot: Plot, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    result = play(Part(plot, _SEEDS[plot], is_plain=True), tmp_path)
    tell(request.node, result)
    if result.failure:
        pytest.fail(result.failure, pytrace=False)
