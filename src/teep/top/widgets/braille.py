"""A chart in braille characters: four dots high and two wide in each cell."""

import math
from collections.abc import Sequence

from teep.top.lists.text import short

# The bits of a cell's eight dots, from the top down, by column.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800
_AXIS = 7


def area(values: Sequence[float], width: int, height: int, top: float) -> list[str]:
    """Return the lines of an area in so many cells, the latest value at the right; `top` is the value of its height.

    A value that is not nothing has a dot at least.
    """
    columns = list(values)[-2 * width :]
    columns = [0.0] * (2 * width - len(columns)) + columns
    cells = [[_BLANK] * width for _ in range(height)]
    for x, value in enumerate(columns):
        dots = min(round(value / top * 4 * height), 4 * height) if top > 0 else 0
        for dot in range(max(dots, int(value > 0))):
            row, inside = divmod(4 * height - 1 - dot, 4)
            cells[row][x // 2] |= _DOTS[x % 2][inside]
    return ["".join(map(chr, line)) for line in cells]


def chart(values: Sequence[float], width: int, height: int) -> list[str]:
    """Return the lines of a chart with an axis at its left that names the top, the middle, and zero."""
    wide = max(width - _AXIS - 1, 1)
    highest = round_up(max([0.0, *list(values)[-2 * wide :]]))
    labels = {0: short(highest), height - 1: "0"}
    if height >= 5:
        labels[height // 2] = short(highest * (1 - (height // 2 + 0.5) / height))
    lines = area(values, wide, height, highest)
    return [f"{labels.get(y, ''):>{_AXIS - 1}} ┤{line}" for y, line in enumerate(lines)]


def round_up(value: float) -> float:
    """Return the nearest of 1, 2 and 5 times a power of ten that is not less, so that an axis seldom changes."""
    if value <= 0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(value))
    return next((step * part for part in (1, 2, 5) if step * part >= value), step * 10)
