"""Visits both sides in turn, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from bench.errors import BenchError
from bench.figures import durations, short, spread
from bench.machine import loop_seconds
from bench.web.pages import TIMES_SIDEKIQ, Page
from bench.web.site import RUBY, TEEP, Site

HEADINGS = ("page", "teep", "ruby", "teep/s", "ruby/s", "x ruby", "kB", "goal", "met", "loop")
_NONE = "-"
_WARM = 10


class Visit(NamedTuple):
    """A side's figures for a page: seconds of each answer, pages a second, and bytes of one."""

    seconds: float
    rate: float
    octets: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The visits of a page by side, one a round, and the durations of the fixed loop beside them."""

    page: Page
    visits: dict[str, list[Visit]] = field(default_factory=dict[str, list[Visit]])
    loops: list[float] = field(default_factory=list[float])

    def row(self) -> list[str]:
        sides = [self.visits.get(side) for side in (TEEP, RUBY)]
        ratio = self.ratio()
        return [
            self.page.title,
            *(durations([visit.seconds for visit in side]) if side else _NONE for side in sides),
            *(spread([visit.rate for visit in side]) if side else _NONE for side in sides),
            _NONE if ratio is None else short(ratio),
            "/".join(f"{side[0].octets / 1000:.0f}" for side in sides if side),
            _goal(self.page),
            {True: "yes", False: "no", None: _NONE}[self.reached()],
            f"{median(self.loops) * 1000:.0f}",
        ]

    def ratio(self) -> float | None:
        """How many times more pages a second teep gives, round by round; None without Sidekiq."""
        if RUBY not in self.visits:
            return None
        pairs = zip(self.visits[TEEP], self.visits[RUBY], strict=True)
        return median(ours.rate / theirs.rate for ours, theirs in pairs)

    def reached(self) -> bool | None:
        """Whether the goal is reached; None if there is nothing to compare with."""
        ratio, most = self.ratio(), self.page.most
        quick = most is None or median(visit.seconds for visit in self.visits[TEEP]) <= most
        return None if ratio is None else quick and ratio >= TIMES_SIDEKIQ


def measure(page: Page, sites: Mapping[str, Site], rounds: int, requests: int) -> Outcome:
    """Ask both sides for a page in turn, `requests` times a round. Raises BenchError for a page that is wrong."""
    outcome = Outcome(page)
    for number in range(rounds):
        outcome.loops.append(loop_seconds())
        for name in sites if number % 2 == 0 else reversed(list(sites)):
            outcome.visits.setdefault(name, []).append(_visit(page, name, sites[name], requests))
    return outcome


def _visit(page: Page, name: str, site: Site, requests: int) -> Visit:
    path = page.paths[name]
    with site.asker() as asker:
        for _ in range(min(_WARM, requests)):
            asker.ask(path)
        body = asker.ask(path)
        if page.holds.encode() not in body:
            raise BenchError(f"{name}: {path} does not show {page.holds!r}")
        # Each is an address of its own, so that none is a page that was read for another.
        seconds = median(asker.seconds(f"{path}?look={number}") for number in range(requests))
    return Visit(seconds, site.rate(path, requests * 2), len(body))


def _goal(page: Page) -> str:
    most = "" if page.most is None else f", ≤ {page.most * 1000:g} ms"
    return f"≥ {TIMES_SIDEKIQ}{most}"
