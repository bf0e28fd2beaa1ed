"""The chaos suite in short: each plot once, with a seed of its own; `make chaos` plays many, and longer."""

import random
from pathlib import Path

import pytest

from tests.chaos.conftest import PLAYED
from tests.chaos.scenario import Part, play
from tests.chaos.stage import PLOTS, Plot


@pytest.mark.parametrize("plot", PLOTS)
def test_nothing_is_lost_in_chaos(plot: Plot, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    result = play(Part(plot, random.SystemRandom().randrange(1_000_000)), tmp_path)
    request.config.stash[PLAYED].append(result)
    if result.failure:
        pytest.fail(result.failure, pytrace=False)
