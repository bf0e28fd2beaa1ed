"""`make chaos`: play many seeds in a row, show progress, and end with a table."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.clock import play as clock
from tests.chaos.scenario import Part, Result, play
from tests.chaos.stage import PLOTS
from tests.chaos.table import table


def main() -> int:
    """Return 1 where something was lost or does not add up, else 0."""
    options = _options()
    first = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    seeds = range(first, first + (options.seeds if options.seed is None else 1))
    parts = [
        Part(plot, seed, options.rounds, is_plain=options.plain) for seed in seeds for plot in options.plot or PLOTS
    ]
    results = []
    for place, part in enumerate(parts, start=1):
        print(f"[{place}/{len(parts)}] seed {part.seed}, {part.plot} ...", flush=True)
        result = play(part, Path(tempfile.mkdtemp(prefix="teep-chaos-")), print if options.verbose else _silence)
        print(f"    {_summary(result)}\n{result.failure}", end="\n" if result.failure else "", flush=True)
        results.append(result)
    if results:
        print("\n".join(table(results)))
    return any(result.failure for result in results) | _clocks(options, first)


def _clocks(options: argparse.Namespace, seed: int) -> bool:
    """Play the chaos of clocks on each plot; True if a tick was lost, or fired twice."""
    failed = False
    for plot in (options.plot or PLOTS) if options.clocks else ():
        folder = Path(tempfile.mkdtemp(prefix="teep-chaos-"))
        result = clock.play(plot, seed, options.clocks, folder, print if options.verbose else _silence)
        print(f"{result.summary}\n{result.failure}", end="\n" if result.failure else "", flush=True)
        failed |= bool(result.failure)
    return failed


def _summary(result: Result) -> str:
    repeats = ", ".join(f"{count} {cause}" for cause, count in result.repeats.most_common()) or "none"
    return (
        f"{'FAILED' if result.failure else 'ok'} in {result.seconds:.0f} s on {result.kind}: {result.jobs:,} jobs"
        f" ({result.unconfirmed} unconfirmed, {result.iterable} iterable, {result.refused} refused,"
        f" {result.expired} expired, {result.poisoned} poisoned), {result.runs:,} runs,"
        f" {result.faults.total()} faults, {result.lost} lost; {result.batches['batches']:,} batches,"
        f" {result.batches['stuck']} stuck; repeated: {repeats}"
    )


def _silence(_line: str) -> None:
    pass


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds to play, from a random one on")
    parser.add_argument("--seed", type=int, help="play this one alone")
    parser.add_argument("--plot", choices=PLOTS, action="append", help="play this one alone")
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault comes")
    parser.add_argument("--clocks", type=float, default=120.0, help="seconds of periodic jobs; 0: none")
    parser.add_argument("--plain", action="store_true", help="no batches and no workflows")
    parser.add_argument("--verbose", action="store_true", help="show each event as it happens")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
