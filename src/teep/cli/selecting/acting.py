"""Acting on many jobs: the question first, a bar while it goes on, and a stop half way.

1. `--dry-run` counts them. Otherwise a terminal is asked, with the count; in a pipe `--yes` is needed.
2. With `--yes` nothing is counted first: the verb's own walk is the only one.
3. Ctrl-C ends the verb after the step that it is in, so it is known what was done. A second one ends the command.
"""

import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple, Self

import click

from teep.cli.endings import DONE, NOTHING, nothing, stopped
from teep.cli.printing import is_terminal, print_json
from teep.cli.selecting.chosen import Chosen, choose
from teep.cli.selecting.flags import Acting
from teep.errors import InvalidValue, RedisError

if TYPE_CHECKING:
    from teep.cli.selecting.chosen import Selection

    Told = Callable[[int, int], object]


class Verb(NamedTuple):
    """A verb in words, each with "{}" for the jobs: to ask, to say that it is done, and that it would be.

    `never` has the places where it makes no sense, each with the sentence that says why.
    """

    name: str
    asks: str
    did: str
    would: str
    never: Mapping[str, str] = {}


def carry_out(flags: Acting, verb: Verb, act: "Callable[[Selection, Told], int]") -> int:
    """Do it to the jobs that a command line means; returns the exit code.

    Raises:
        InvalidValue: the command line means all jobs without saying so, or nobody can be asked.
        click.Abort: the answer was no.
    """
    chosen = choose(flags)
    if chosen.where in verb.never:
        raise InvalidValue(verb.never[chosen.where])
    if not (chosen.is_bounded or flags.all):
        raise InvalidValue(
            f"without a filter this would {verb.name} all {chosen.in_words(chosen.count())}; give a filter, or --all"
        )
    if flags.dry_run:
        return _told(flags, verb, chosen, chosen.count(), verb.would)
    if not flags.yes:
        if not is_terminal():
            raise InvalidValue(f"nobody can be asked here; give --yes to {verb.name}, or --dry-run to count")
        count = chosen.count()
        if not count:
            return nothing(chosen.none())
        click.confirm(f"{verb.asks.format(chosen.in_words(count))}?", abort=True, err=True)
    with Stoppable(chosen.name) as work:
        try:
            taken = act(chosen.selection(), work.told)
        except RedisError as error:
            if not work.looked_at:
                raise
            return stopped(f"Stopped half way, {work.place}: {error}")
    if not work.is_cut_short:
        return _told(flags, verb, chosen, taken, verb.did)
    if flags.as_json:
        _print_json(flags, verb, chosen, taken, is_stopped=True)
    return stopped(f"Stopped half way, {work.place}. {verb.did.format(chosen.in_words(taken))}.")


def _told(flags: Acting, verb: Verb, chosen: Chosen, count: int, words: str) -> int:
    if flags.as_json:
        _print_json(flags, verb, chosen, count)
        return DONE if count else NOTHING
    if not count:
        return nothing(chosen.none())
    print(f"{words.format(chosen.in_words(count))}.")
    return DONE


def _print_json(flags: Acting, verb: Verb, chosen: Chosen, count: int, *, is_stopped: bool = False) -> None:
    place = f"queue:{chosen.jobs.name}" if chosen.where == "queue" else chosen.where
    print_json({
        "verb": verb.name, "of": place, "filter": chosen.filter, "jobs": count, "dry_run": flags.dry_run,
        "stopped": is_stopped,
    })  # fmt: skip


class Stoppable:
    """Work that tells how far it is: with a bar on a terminal, and with an end at Ctrl-C."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(
            *columns, console=console, transient=True, refresh_per_second=4, disable=not console.is_terminal
        )
        self._task = self._bar.add_task(title, total=None)
        self.looked_at = self.out_of = 0
        self._is_stopped = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._stop)
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        signal.signal(signal.SIGINT, self._before)

    @property
    def is_cut_short(self) -> bool:
        """Whether it was stopped before its end."""
        return self._is_stopped and self.looked_at < self.out_of

    @property
    def place(self) -> str:
        """How far it has come, in words."""
        return f"after {self.looked_at:,} of {self.out_of:,} jobs"

    def told(self, looked_at: int, out_of: int) -> bool:
        """Hear how far it is; returns False if it is to end there."""
        self.looked_at, self.out_of = looked_at, out_of
        self._bar.update(self._task, completed=looked_at, total=out_of)
        return not self._is_stopped

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
