"""The history on the dashboard in a real browser: lines, their gaps, and the application's own numbers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from playwright.sync_api import expect

import teep
from tests.support.sampling import sampled
from tests.support.waiting import wait_until
from tests.web.browser.conftest import Desk
from tests.web.browser.test_pages import inspect

pytestmark = pytest.mark.xdist_group("chromium")

# Pixels in the colour of a chart's first line, in the columns between two shares of its width.
LINE = """([plot, colour, from, to]) => {
  const canvas = document.querySelector(plot + " canvas");
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${colour})`;
  const wanted = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
  probe.remove();
  const start = Math.round(canvas.width * from), width = Math.round(canvas.width * to) - start;
  const {data} = canvas.getContext("2d").getImageData(start, 0, width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 60 && wanted.every((part, j) => Math.abs(data[i + j] - part) < 30)) found += 1;
  }
  return found;
}"""


@pytest.fixture
def recorded(config: teep.Config, desk: Desk) -> Desk:
    """An hour in whose middle nobody sampled."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for back in [*range(59, 44, -1), *range(14, -1, -1)]:
        at = now - timedelta(minutes=back)
        queues = {"default": (3 + back % 4, 1.5), "low": (2, 0.5)}
        for seconds, more in ((0, 0), (30, 100)):
            runs = {"processed": 10_000 - 100 * back + more, "failed": 5_000 - 50 * back + more // 2}
            sampled(config, at + timedelta(seconds=seconds), queues, {"carts": back}, enqueued=5, busy=3, **runs)
    return desk


@pytest.mark.slow("axe looks at each page in both themes and widths", seconds=12)
def test_it_is_accessible_and_keeps_to_its_policy(recorded: Desk) -> None:
    inspect(recorded, ["/?hours=1"])


def test_gaps_are_drawn_as_gaps(recorded: Desk) -> None:
    page = recorded.open("/?hours=1")

    def painted(plot: str, colour: str, start: float, end: float) -> int:
        return int(page.evaluate(LINE, [plot, colour, start, end]))

    for plot, colour in (("#past-plot", "--bad"), ("#fleet-plot", "--line-1")):
        expect(page.locator(f"{plot} .uplot")).to_be_visible()
        wait_until(partial(_many, partial(painted, plot, colour, 0.1, 0.25)), 40, f"the line of {plot} to be painted")
        assert painted(plot, colour, 0.85, 0.97) > 50
        assert painted(plot, colour, 0.4, 0.7) == 0


def _many(count: Callable[[], int]) -> bool:
    return count() > 50
