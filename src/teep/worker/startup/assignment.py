"""The queues that a worker serves, and remarks on those that do not fit the jobs that it knows."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from teep.config import CapsuleConfig, Config
from teep.config.capsules import DEFAULT
from teep.config.queues import are_said
from teep.job.definition import Definition

Capsules = Mapping[str, CapsuleConfig]


def capsules_for(config: Config, jobs: Collection[Definition]) -> Capsules:
    """Return the capsules of a worker that knows these jobs.

    If no queue was named, the default capsule serves `default` and every other queue that a job names, none of them
    before the others.
    """
    capsules = config.all_capsules
    if are_said(config.queues):
        return capsules
    elsewhere = {queue for name, capsule in capsules.items() if name != DEFAULT for queue in capsule.order.weights}
    named = {queue for job in jobs for queue in _queues_of(config, job)} - elsewhere - {DEFAULT}
    if not named:
        return capsules
    queues = [f"{queue},1" for queue in (DEFAULT, *sorted(named))]
    return {**capsules, DEFAULT: replace(capsules[DEFAULT], queues=queues)}


def remarks(config: Config, capsules: Capsules, jobs: Collection[Definition]) -> Iterator[str]:
    """Return a sentence for each queue whose name may be a typo, and each whose jobs wait for other workers."""
    served = {queue for capsule in capsules.values() for queue in capsule.order.weights}
    wanted = {(queue, job.name) for job in jobs for queue in _queues_of(config, job)}
    known = {queue for queue, _ in wanted} | {DEFAULT}
    for queue in sorted(served - known):
        if remark := _doubt(queue, known):
            yield remark
    for queue, waiting in groupby(sorted(pair for pair in wanted if pair[0] not in served), itemgetter(0)):
        names = ", ".join(name for _, name in waiting)
        yield f"the queue {queue!r} is not served here, so its jobs wait for another worker: {names}"


def _queues_of(config: Config, job: Definition) -> set[Any]:
    own = job.options.fields
    queue = own.get("queue", config.job_defaults.get("queue", DEFAULT))
    return {queue, own.get("retry_queue", config.job_defaults.get("retry_queue", queue))}


def _doubt(queue: str, known: Collection[str]) -> str | None:
    """Return a remark if the name of a served queue, which no job names, may be a typo."""
    if weighted := re.fullmatch(r"(.+):(\d+)", queue):
        return f"a queue is served under the name {queue!r}; for a weight write {weighted[1]},{weighted[2]}"
    if re.search(r"\s", queue):
        return f"a queue is served under the name {queue!r}, with a blank in it; name each by itself"
    for other in sorted(known):
        if _is_one_typo_away(queue, other):
            return f"no job here names the queue {queue!r}; did you mean {other!r}?"
    return None


def _is_one_typo_away(one: str, other: str) -> bool:
    """Tell whether the names differ by one letter (added, left out or changed; no digit) or by two swapped ones."""
    if len(one) < len(other):
        one, other = other, one
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(other))
    rest, other_rest = one[start:], other[start:]
    if len(one) == len(other) + 1:
        return rest[1:] == other_rest and not rest[0].isdigit()
    if len(one) != len(other) or not rest or rest[0].isdigit():
        return False
    return rest[1:] == other_rest[1:] or (rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:])
