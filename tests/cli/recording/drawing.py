"""The animation: all screens stand one above the other in a strip, and a style moves the strip from one to the next.

It is one SVG without any script, font or link, so a browser plays it as a picture in README, too. Each line that
comes up is kept once, however many screens show it.
"""

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from tests.cli.recording.terminal import Line, Run

_WIDTH, _HEIGHT, _EDGE = 8.4, 19, 16  # of a character, of a line, around all, in pixels
_BACKGROUND, _TEXT = "#14161b", "#d6d9e0"
_COLOURS = (
    "#4a4f5a", "#f2777a", "#8fcf8f", "#e8c46b", "#7aa6da", "#c397d8", "#6cc7c0", "#d6d9e0",
    "#7b8291", "#ff9c9e", "#a9e2a9", "#ffdc8a", "#9cc3f0", "#dbb5ee", "#8fe0da", "#ffffff",
)  # fmt: skip
_FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"


class Frame(NamedTuple):
    """A screen, and the seconds for which it is shown."""

    lines: tuple[Line, ...]
    seconds: float


def draw(frames: Sequence[Frame], columns: int, title: str) -> str:
    """Return the animation as SVG."""
    rows = len(frames[0].lines)
    width, height = columns * _WIDTH, rows * _HEIGHT
    names: dict[Line, str] = {}
    strip = [
        f'<use href="#{names.setdefault(line, f"l{len(names)}")}" y="{(number * rows + row) * _HEIGHT}"/>'
        for number, frame in enumerate(frames)
        for row, line in enumerate(frame.lines)
        if line
    ]
    size = f'width="{width + 2 * _EDGE:g}" height="{height + 2 * _EDGE}"'
    box = f'viewBox="0 0 {width + 2 * _EDGE:g} {height + 2 * _EDGE}"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {size} role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_style(frames, height)}</style>",
        "<defs>", *(f'<g id="{name}">{"".join(map(_run, line))}</g>' for line, name in names.items()), "</defs>",
        f'<rect width="100%" height="100%" rx="8" fill="{_BACKGROUND}"/>',
        f'<svg x="{_EDGE}" y="{_EDGE}" width="{width:g}" height="{height}"><g class="strip">', *strip, "</g></svg>",
        "</svg>\n",
    ])  # fmt: skip


def _style(frames: Sequence[Frame], height: int) -> str:
    whole, at, steps = sum(frame.seconds for frame in frames), 0.0, []
    for number, frame in enumerate(frames):
        steps.append(f"{at / whole:.3%}{{transform:translateY({-number * height}px)}}")
        at += frame.seconds
    last = -(len(frames) - 1) * height
    colours = "".join(f".c{number}{{fill:{colour}}}" for number, colour in enumerate(_COLOURS))
    return (
        f"text{{font:14px {_FONTS};fill:{_TEXT};white-space:pre}}{colours}"
        ".b{font-weight:bold}.d{opacity:.62}.i{font-style:italic}"
        f".strip{{animation:play {whole:.2f}s steps(1,end) infinite}}@keyframes play{{{''.join(steps)}}}"
        f"@media(prefers-reduced-motion:reduce){{.strip{{animation:none;transform:translateY({last}px)}}}}"
    )


def _run(run: Run) -> str:
    style = run.style
    marks = [name for name, on in (("b", style.bold), ("d", style.dim), ("i", style.italic)) if on]
    classes = " ".join([*([] if style.colour is None else [f"c{style.colour}"]), *marks])
    # Its length is given, so that the columns stand below one another in any font, and lines and bars have no gaps.
    stretched = "" if run.text.isascii() else ' lengthAdjust="spacingAndGlyphs"'
    return (
        f'<text x="{run.column * _WIDTH:g}" y="14"{f""" class="{classes}" """.rstrip() if classes else ""}'
        f' textLength="{len(run.text) * _WIDTH:g}"{stretched}>{escape(run.text)}</text>'
    )
