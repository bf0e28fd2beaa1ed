"""The lines around the list: the figures above it, the tabs, and the keys that hold below it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len

from teep.top.keys import BY_KEY, written
from teep.top.lists.text import fit, number, short
from teep.top.lists.verbs import Verb
from teep.top.lists.views import View
from teep.top.widgets.painted import Lines, Part

_FIGURES = (
    ("Processed", "processed"), ("Failed", "failed"), ("Busy", "workers_size"), ("Enqueued", "enqueued"),
    ("Retries", "retry_size"), ("Scheduled", "scheduled_size"), ("Dead", "dead_size"),
    ("Processes", "processes_size"),
)  # fmt: skip
_TABS_OF = {"Busy": "busy", "Enqueued": "queues", "Retries": "retries", "Scheduled": "scheduled", "Dead": "dead",
            "Processes": "busy"}  # fmt: skip

# The keys that a foot names, as far as there is room; the help has all.
_FOOT = ("enter", "x", "/", "?", "q", "v", "l", "h", "m", "*", ":")


class Head(NamedTuple):
    """The first line: which Redis, how often it is asked, when it answered last, and what is special."""

    url: str
    interval: float
    at: str
    read_only: bool


def head(of: Head, stats: Mapping[str, Any] | None, width: int) -> Lines:
    """Return the first line, and the figures of the fleet in two."""
    right = f"{'READ ONLY  ' if of.read_only else ''}every {of.interval:g} s  {of.at} "
    left = fit(f" teep  {of.url}", max(width - cell_len(right), 0))
    first = [Part(left[:6], "title"), Part(left[6:]), Part(right, "muted")]
    labels, values = [], []
    texts = [[number(int((stats or {}).get(key) or 0)) if stats else "–" for _, key in _FIGURES]]
    texts.append([short(float((stats or {}).get(key) or 0)) if stats else "–" for _, key in _FIGURES])
    wanted = next((some for some in texts if _needed(some) <= width), texts[-1])
    for (label, _), text in zip(_FIGURES, wanted, strict=True):
        wide = max(cell_len(label), cell_len(text)) + 1
        does = f"tab:{_TABS_OF[label]}" if label in _TABS_OF else ""
        labels.append(Part(f" {label:<{wide}}", "label", does))
        is_bad = label == "Failed" and text not in ("0", "–")
        values.append(Part(f" {text:<{wide}}", "title warn" if is_bad else "title", does))
    return [first, labels, values]


def tabs(titles: Iterable[tuple[str, str]], active: str, width: int) -> Lines:
    """Return the tabs in a line; where there is no room for all, those around the active one."""
    parts = [
        Part(f"[{title}]" if name == active else f" {title} ", "chosen" if name == active else "", f"tab:{name}")
        for name, title in titles
    ]
    at = next((at for at, part in enumerate(parts) if part.does == f"tab:{active}"), 0)
    start = 0
    while start < at and _width(parts[start : at + 2]) > width - 2:
        start += 1
    shown = parts[start:]
    is_cut = _width(shown) + bool(start) > width
    while len(shown) > 1 and _width(shown) + bool(start) + is_cut > width:
        shown = shown[:-1]
    return [[*([Part("‹", "muted")] if start else []), *shown, *([Part("›", "muted")] if is_cut else [])]]


def crumb(view: View, width: int) -> Lines:
    """Return the line above the list: what it shows, by which filter, which part of it, and how many are selected."""
    tab = view.tab
    parts = [Part(f" {tab.path}", "title")]
    if len(tab.modes) > 1:
        parts.append(Part(f" · {tab.modes[view.mode]}", "label", "key:v"))
    if not view.filter.is_any:
        parts.append(Part(f"  /{view.filter.text}", "warn", "key:/"))
    told = "" if view.listing is None else view.listing.note
    if view.all_of is not None:
        told = f"all {view.all_of:,} selected · {told}"
    elif view.chosen:
        told = f"{len(view.chosen):,} selected · {told}"
    room = max(width - _width(parts) - 2, 0)
    return [[*parts, Part(fit(told, min(room, cell_len(told)) if room else 0).rjust(room + 1))]]


def foot(verbs: Sequence[Verb], keys: Sequence[str], width: int) -> Lines:
    """Return the keys that hold here, as many as there is room for; each can be clicked on."""
    words = [(verb.key, verb.name) for verb in verbs if verb.key] + [(key, BY_KEY[key].word) for key in keys]
    parts: list[Part] = []
    for key, word in words:
        pair = [Part(f" {written(key)}", "key", f"key:{key}"), Part(f" {word} ", "muted", f"key:{key}")]
        if _width([*parts, *pair]) > width:
            break
        parts += pair
    return [parts]


def foot_keys(view: View, *, may_act: bool) -> list[str]:
    """Return the keys that a foot names for a view."""
    left_out = {
        *(() if may_act else ("x", "*")),
        *(() if len(view.tab.modes) > 1 else ("v",)),
        *(() if view.listing is not None and view.listing.next is not None else ("l",)),
        *(() if view.place is not None else ("h",)),
    }
    return [key for key in _FOOT if key not in left_out]


def _needed(texts: Sequence[str]) -> int:
    return sum(max(len(label), len(text)) + 2 for (label, _), text in zip(_FIGURES, texts, strict=True))


def _width(parts: Iterable[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)
