"""Acting on many jobs: the question first, a bar while it goes on, and a stop half way.

1. `--dry-run` counts them. Otherwise a terminal is asked, with the count; in a pipe `--yes` is needed.
2. With `--yes` nothing is counted first: the verb's own walk is the only one.
3. Ctrl-C ends the verb after the step that it is in, so it is known what was done. A second one ends the command.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import click

from teep.cli.endings import DONE, NOTHING, nothing, stopped
from teep.cli.printing import is_terminal, print_json
from teep.cli.selecting.chosen import Chosen, choose
from teep.cli.selecting.flags import Acting
from teep.cli.showing.progress import Stoppable
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
    _must_be_meant(flags, verb, chosen)
    if flags.dry_run:
        return _told(flags, verb, chosen, counted(chosen), verb.would)
    if not (flags.yes or _is_confirmed(verb, chosen)):
        return nothing(chosen.none())
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


def _must_be_meant(flags: Acting, verb: Verb, chosen: Chosen) -> None:
    if chosen.where in verb.never:
        raise InvalidValue(verb.never[chosen.where])
    if not (chosen.is_bounded or flags.all):
        raise InvalidValue(
            f"without a filter this would {verb.name} all {chosen.in_words(chosen.count())}; give a filter, or --all"
        )
    if not (flags.yes or flags.dry_run or is_terminal()):
        raise InvalidValue(f"nobody can be asked here; give --yes to {verb.name}, or --dry-run to count")


def _is_confirmed(verb: Verb, chosen: Chosen) -> bool:
    """Ask; returns False if there are no jobs, and raises click.Abort if the answer is no."""
    count = counted(chosen)
    return bool(count) and click.confirm(f"{verb.asks.format(chosen.in_words(count))}?", abort=True, err=True)


def counted(chosen: Chosen) -> int:
    """Return how many jobs a command line means.

    Raises:
        KeyboardInterrupt: someone did not want to wait.
    """
    with Stoppable(chosen.name) as work:
        count = chosen.count(work.told)
    if work.is_cut_short:
        raise KeyboardInterrupt
    return count


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
