"""The part "batches" of a run, as a section of the report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console

from bench import goals
from bench.batches import flows, pushes, waits
from bench.errors import BenchError
from bench.figures import durations, spread
from bench.measure import Goal
from bench.progress import Bar
from bench.registry import Selection
from bench.report import Section
from bench.server import Server
from bench.system import System

_TITLE = "Batches, workflows, results"
_LEAD = """\
Bulk pushes of no-op jobs into a compact batch beside plain ones; the memory of a batch beside its jobs; a chain of
steps beside jobs each of which pushes the next one; layers of jobs with a barrier after each, beside Celery's chords;
and `result(jid).get()` from the push to its return, beside the pickup of the same jobs.
"""
_NOTES = (
    "Chains, layers and their like: from the start of the call that starts them to the run of the last job.",
    "celery: chords, the callback of each of which starts the next. Threads; results expire after ten minutes.",
    "celery as one canvas: a chain of groups, which it makes chords of. Of n x n, each job carries all later layers.",
    "That is some n⁴ / 2 signatures, so the canvas is of a size that celery ends in a minute or two.",
    "No-op jobs of a batch are in the first section: teep-batch.",
)
_TEEP = System(
    "teep",
    ("python", "-m", "teep", "worker", "bench.batches.jobs", "-c", "{concurrency}", "-q", "default",
     "--log-level", "WARNING"),
    pusher="bench.batches.jobs",
)  # fmt: skip
Figures = dict[str, list[float]]


def measure(rounds: int, scale: float, selection: Selection, server: Server, console: Console) -> Section:
    """Measure all of it, beside Celery if that is selected, with a progress bar on `console`."""
    steps = max(20, int(1_000 * scale))
    layers = max(3, int(100 * scale))
    canvas = max(3, int(25 * scale))
    systems = (_TEEP, *_chords(selection))
    found: Figures = {}
    work: dict[str, Callable[[Path], Figures]] = {
        "pushes": lambda _: pushes.measure(server, max(1_000, int(1_000_000 * scale)), rounds),
        "results": lambda folder: _waits(server, folder, max(20, int(500 * scale)), rounds),
        "chains": lambda folder: _chains(server, folder, steps, rounds),
        "layers": lambda folder: _layers("layers", systems, server, folder, layers, rounds),
        "canvas": lambda folder: _layers("canvas", systems, server, folder, canvas, rounds),
    }
    notes = [f"{rounds} rounds; median (min-max)."]
    with Bar(console, len(work)) as bar:
        for title, step in work.items():
            server.client.flushall()
            bar.show(title, 0.0)
            with TemporaryDirectory(prefix="bench-") as directory:
                try:
                    found |= step(Path(directory))
                except BenchError as error:
                    notes.append(f"{title} failed: {' '.join(str(error).split())[:300]}.")
            bar.finish_visit()
    rows = [[what, shown(found[key])] for key, what, shown in _rows(steps, layers, canvas) if key in found]
    return Section(
        _TITLE,
        _LEAD.strip(),
        ("", "figure"),
        rows,
        [*notes, *_NOTES],
        goals.rows((*_GOALS, *_flow_goals(layers, canvas)), goals.Figured(_compared(found))),
    )


def _waits(server: Server, folder: Path, jobs: int, rounds: int) -> Figures:
    taken = [waits.measure(_TEEP, server, folder, jobs) for _ in range(rounds)]
    return {key: [each[key] for each in taken] for key in taken[0]}


def _chains(server: Server, folder: Path, steps: int, rounds: int) -> Figures:
    found: Figures = {"chain": [], "relay": []}
    for _ in range(rounds):
        for kind in found:
            found[kind].append(flows.measure(_TEEP, kind, steps, steps, server, folder))
    return found


def _chords(selection: Selection) -> list[System]:
    """Return Celery with its Redis backend, if Celery is among the systems."""
    return [
        replace(
            peer,
            command=[word.replace("celery_jobs", "celery_chord_jobs") for word in peer.command],
            pusher="bench.peers.celery_chord_jobs",
        )
        for peer in selection.systems
        if peer.name == "celery"
    ]


def _layers(kind: str, systems: Sequence[System], server: Server, folder: Path, size: int, rounds: int) -> Figures:
    found: Figures = {f"{kind} {system.name}": [] for system in systems}
    for _ in range(rounds):
        for system in systems:
            taken = flows.measure(system, kind, size, size * size, server, folder)
            found[f"{kind} {system.name}"].append(taken)
    return found


def _rows(steps: int, layers: int, canvas: int) -> list[tuple[str, str, Callable[[Sequence[float]], str]]]:
    """Return (key, what it is, how it is shown) of the figures, in order."""
    return [
        ("plain", "plain bulk push, jobs/s", spread),
        ("compact", "into a compact batch, jobs/s", spread),
        ("compact bytes", "the compact batch in Redis, bytes", spread),
        ("member bytes", "a batch of 1,000 with a set, bytes a pending job", spread),
        ("pickup p50", "pickup, p50", durations),
        ("pickup p99", "pickup, p99", durations),
        ("get p50", "`result(jid).get()`, p50", durations),
        ("get p99", "`result(jid).get()`, p99", durations),
        ("relay", f"{steps:,} jobs, each of which pushes the next", durations),
        ("chain", f"a chain of {steps:,} steps", durations),
        ("layers teep", f"{layers} x {layers} jobs with barriers", durations),
        ("layers celery", "the same, celery: chords that start the next", durations),
        ("canvas teep", f"{canvas} x {canvas} jobs with barriers", durations),
        ("canvas celery", "the same, celery: one canvas", durations),
    ]


def _compared(found: Figures) -> dict[str, float]:
    """Return what the goals are of: within a round, so that a machine's slow moment strikes both sides."""
    pairs = {
        "compact speed": ("compact", "plain"),
        "get": ("get p50", "pickup p50"),
        "chain": ("chain", "relay"),
        "layers": ("layers celery", "layers teep"),
        "canvas": ("canvas celery", "canvas teep"),
    }
    ratios = {
        name: median(one / other for one, other in zip(found[ours], found[others], strict=True))
        for name, (ours, others) in pairs.items()
        if ours in found and others in found
    }
    return ratios | {key: median(found[key]) for key in ("compact bytes", "member bytes") if key in found}


_GOALS = (
    Goal("bulk into a compact batch, x plain", 0.6, key="compact speed"),
    Goal("bytes of the compact batch", 1_000_000, key="compact bytes", at_most=True),
    Goal("bytes a pending job of another", 120, key="member bytes", at_most=True),
    Goal("`get()` p50, x the pickup", 2, key="get", at_most=True),
    Goal("a chain, x jobs that push the next", 1.3, key="chain", at_most=True),
)


def _flow_goals(layers: int, canvas: int) -> tuple[Goal, Goal]:
    return (
        Goal(f"{layers} x {layers} with barriers, x as fast as celery", 10, key="layers"),
        Goal(f"{canvas} x {canvas} with barriers, x as fast as celery as one canvas", 10, key="canvas"),
    )
