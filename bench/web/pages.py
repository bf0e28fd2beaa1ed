"""Every page that is measured: where each side has it, what must stand on it, and the goal."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.web.seeds import HOST, KLASS
from bench.web.site import RUBY, TEEP

TIMES_SIDEKIQ = 3
LIST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Page:
    """One row. `holds` is a string that stands on the page of either side.

    `most`: seconds in which teep must answer.
    """

    title: str
    paths: Mapping[str, str]
    holds: str
    most: float | None = None


def pages() -> list[Page]:
    """All of them, in the order of the table."""
    return [
        Page("dashboard", _at("/", "/"), "123"),
        Page("busy", _at("/busy", "/busy"), HOST),
        Page("queue", _at("/queues/default", "/queues/default"), KLASS, LIST_SECONDS),
        Page("retries", _at("/retries", "/retries"), KLASS, LIST_SECONDS),
        Page("scheduled", _at("/scheduled", "/scheduled"), KLASS, LIST_SECONDS),
        Page("dead", _at("/dead", "/morgue"), KLASS, LIST_SECONDS),
    ]


def _at(teep: str, ruby: str) -> Mapping[str, str]:
    return {TEEP: teep, RUBY: ruby}
