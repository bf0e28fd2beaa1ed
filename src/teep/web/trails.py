"""How numbers went lately: what pages read is noted for some minutes, and drawn as a line of a word's height.

It costs Redis nothing, and tells only of the times in which someone looked. If the leader records a history, that
tells of the last hour instead: `known/recorded.py`.
"""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from teep.web.rendering import Site

KEPT = 300.0
"""Seconds that a line reaches back."""

WIDTH, HEIGHT = 100, 20
"""The box that a line is drawn in."""

# Seconds between two points at least, those after which a line is broken, and those of which a rate is told.
_APART, _GAP, _RECENT = 1.5, 20.0, 60.0
# Seconds between two points of a line: of more its width shows nothing.
_STEP = 6.0
_MOST_NAMES = 1_000


class Point(NamedTuple):
    """A number, and when it was so (epoch seconds)."""

    at: float
    value: float


class Trail(NamedTuple):
    """A number's last minutes, the oldest first.

    Its line covers the seconds `kept` up to `end` (None: its last point), is broken at a `gap`, and has no two points
    within a `step`.
    """

    points: tuple[Point, ...]
    kept: float = KEPT
    gap: float = _GAP
    step: float = _STEP
    end: float | None = None

    @property
    def span(self) -> float:
        """How many seconds it covers."""
        return self.points[-1].at - self.points[0].at if self.points else 0.0

    @property
    def change(self) -> float | None:
        """By how much the number changed each second in the last minute; None if it was not watched long enough."""
        lately = [point for point in self.points if point.at >= self.points[-1].at - _RECENT]
        if not lately or lately[-1].at - lately[0].at < 2 * _APART:
            return None
        return (lately[-1].value - lately[0].value) / (lately[-1].at - lately[0].at)

    @property
    def drawn(self) -> str:
        """The line as a path of SVG, from zero up, with now at its right; "" if there is none. Gaps are gaps."""
        if len(self.points) < 2:
            return ""
        values = [point.value for point in self.points]
        last, low = self.points[-1].at, min(0, *values)
        end = last if self.end is None else self.end
        height = max(values) - low or 1
        before, steps = float("-inf"), []
        for at, value in self.points:
            if at - before < self.step and at != last:  # a page with many queues stays small
                continue
            x, y = WIDTH * (1 - (end - at) / self.kept), 1 + (HEIGHT - 2) * (1 - (value - low) / height)
            steps.append(f"{'M' if at - before > self.gap else 'L'}{x:.0f} {y:.1f}")
            before = at
        return "".join(steps)


class Trails:
    """What the pages of an app have read, by name."""

    def __init__(self) -> None:
        self._points: dict[str, deque[Point]] = {}

    @classmethod
    def of(cls, site: Site, what: str) -> "Trails":
        """Return those of an app about something, such as "queues"."""
        made: Trails = site.shared.setdefault(f"trails of {what}", cls())
        return made

    def note(self, values: Mapping[str, float], *, whole: bool = True, now: float | None = None) -> None:
        """Note the numbers of some names. If they are the whole there is, the others are forgotten."""
        at = time.time() if now is None else now
        kept = {} if whole else self._points
        for name in [*values][:_MOST_NAMES]:
            points = kept[name] = self._points.get(name) or deque(maxlen=int(KEPT / _APART))
            if not points or not 0 <= at - points[-1].at < _APART:
                points.append(Point(at, values[name]))
        self._points = kept

    def trail(self, name: str) -> Trail:
        """Return the last minutes of a name."""
        return trail_of(self._points.get(name, ()))


def trail_of(points: Iterable[tuple[float, float]]) -> Trail:
    """Return the last minutes of some points, the oldest first."""
    found = [Point(*point) for point in points]
    return Trail(tuple(point for point in found if point.at >= found[-1].at - KEPT))
