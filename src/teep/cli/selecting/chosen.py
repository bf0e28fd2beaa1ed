"""The jobs that a command is about: a queue or a set, and conditions."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from teep.cli.selecting.flags import Selecting
from teep.cli.selecting.queues import queue_names, unknown_queue
from teep.config.sources.names import nearest
from teep.errors import InvalidValue
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api import Conditions, CursorPage, JobRecord, JobSet, Queue, QueueSelection, SetSelection, SortedEntry
    from teep.config import Config

    Selection: TypeAlias = QueueSelection | SetSelection
    Listing: TypeAlias = CursorPage[JobRecord] | CursorPage[SortedEntry]

SETS = ("retries", "scheduled", "dead")
_QUEUE = "queue:"


@dataclass(frozen=True)
class Chosen:
    """Jobs of a queue or set. `where` is the set's name or "queue", `filter` the conditions as they are written."""

    jobs: "Queue | JobSet"
    where: str
    filter: str
    conditions: "Conditions"
    limit: int | None

    @property
    def name(self) -> str:
        """The queue or set in words."""
        return f"queue {on_one_line(self.jobs.name)}" if self.where == "queue" else self.where

    @property
    def words(self) -> str:
        """The queue or set, and the conditions, as SELECTION says them."""
        return f"{self.name} that match {on_one_line(self.filter)}" if self.filter else self.name

    @property
    def is_bounded(self) -> bool:
        """Whether there is a condition, or a limit."""
        return bool(self.conditions) or self.limit is not None

    def selection(self) -> "Selection":
        """Return them for a verb. With a limit these are the first ones of a list, by their jids."""
        if self.limit is None:
            return self.jobs.where(**self.conditions)
        jids = [record.jid for record in self.page(self.limit).items]
        first: Conditions = {**self.conditions, "jids": jids}
        return self.jobs.where(**first)

    def page(self, size: int) -> "Listing":
        """Return the first ones: those that run next, or in the dead set the newest."""
        return self.jobs.where(**self.conditions).page(size, seconds=math.inf)

    def count(self, told: "Callable[[int, int], object] | None" = None) -> int:
        """Return how many there are; with a condition that takes a walk, of which `told` hears how far it is."""
        if self.limit is not None:
            return len(self.page(self.limit).items)
        if not self.conditions:
            return self.jobs.size()
        return self.jobs.where(**self.conditions).delete_all(dry_run=True, on_progress=told)

    def in_words(self, count: int) -> str:
        """Return a number of them in words, such as "3 jobs of retries that match class:Import*"."""
        return f"{count:,} {'job' if count == 1 else 'jobs'} of {self.words}"

    def none(self) -> str:
        """Return the sentence of a selection that has no jobs; of a queue that is not there it names the nearest."""
        if self.where == "queue" and (hint := _unknown(self.jobs.name, self.jobs.config)):
            return hint
        return f"There are no jobs of {self.words}." if self.filter else f"There are no jobs in {self.name}."


def choose(flags: Selecting) -> Chosen:
    """Return the jobs that a command line means.

    Raises:
        InvalidValue: there is no such queue or set, or its filter cannot be read.
    """
    from teep.api.jobs.selection.words import parse

    first, *others = flags.words
    parsed = parse(filter_of(others, flags.named, flags.match))
    if parsed.problems:
        raise InvalidValue("; ".join(parsed.problems))
    config = flags.configured()
    jobs, where = _place(first, config)
    return Chosen(jobs, where, parsed.text, parsed.conditions, flags.limit)


def filter_of(words: list[str], named: dict[str, str], match: str | None = None) -> str:
    """Return the filter that words and flags make together, as the web page takes it."""
    from teep.api.jobs.selection.words import quoted, written

    flags = [written(name, value) for name, value in named.items()]
    return " ".join([*map(_requoted, words), *flags, *([] if match is None else [quoted(match)])])


def _unknown(name: str, config: "Config") -> str:
    known = queue_names(config)
    return "" if name in known else unknown_queue(name, known)


def _place(word: str, config: "Config") -> "tuple[Queue | JobSet, str]":
    from teep.api import DeadSet, JobSet, Queue, RetrySet, ScheduledSet

    sets: dict[str, Callable[..., JobSet]] = dict(zip(SETS, (RetrySet, ScheduledSet, DeadSet), strict=True))
    if word in sets:
        return sets[word](config=config), word
    if word.startswith(_QUEUE):
        return Queue(word.removeprefix(_QUEUE), config=config), "queue"
    known = queue_names(config)
    if word in known:
        return Queue(word, config=config), "queue"
    near = nearest(word, [*SETS, *known])
    hint = f"; did you mean {on_one_line(near)}?" if near else ""
    raise InvalidValue(f"SELECTION is retries, scheduled, dead or queue:NAME, not {on_one_line(word)!r}{hint}")


def _requoted(word: str) -> str:
    """Return a word whose quotes the shell has taken: of `message:"timed out"` it leaves one word with a space.

    One that holds other names of a filter is a whole filter, which the shell's quotes were around.
    """
    from teep.api.jobs.selection.words import NAMES, written

    name, colon, value = word.partition(":")
    is_whole = re.search(rf"\s(?:{'|'.join(NAMES)}):", value)
    if not colon or name not in NAMES or " " not in value or value[0] in '["' or is_whole:
        return word
    return written(name, value)
