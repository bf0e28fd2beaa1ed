"""Visits both sides in turn, operation by operation, and checks that they did the same."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import msgspec

from bench.api.operations import NOT_COMPARED, Operation
from bench.api.outcome import Outcome, Visit
from bench.api.side import COUNTING, RUBY, TEEP, Side
from bench.errors import BenchError
from bench.machine import loop_seconds
from bench.server import Server

_LENGTH_TOLERANCE = 16
"""Bytes by which payloads may differ: times have more or fewer digits."""


def sides() -> list[str]:
    """Those that can be asked on this computer."""
    return [TEEP, RUBY] if shutil.which("ruby") and shutil.which("sidekiq") else [TEEP]


class Rounds:
    """Measures operations, from `with` to its end: each in as many rounds as are given, the sides in turn.

    A second process of teep goes before them: it counts round trips, and Redis then knows its scripts.
    """

    def __init__(self, server: Server, directory: Path, rounds: int) -> None:
        self._server = server
        self._directory = directory
        self._rounds = rounds
        self._sides: dict[str, Side] = {}
        self._seeded: Callable[[Server], None] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for name in (COUNTING, *sides()):
                side = self._sides[name] = stack.enter_context(self._start(name))
                # Connects it, which belongs to no operation.
                side.prepare("stats_fast", [])
                side.run()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def measure(self, operation: Operation) -> Outcome:
        """Raises BenchError if a side fails, or the two do not come to the same end."""
        outcome = Outcome(operation, self._round_trips(operation))
        for number in range(self._rounds * operation.visits):
            outcome.loops.append(loop_seconds())
            newest = {}
            names = _names(operation, number // operation.visits)
            for name in names if number % 2 == 0 else reversed(names):
                self._seed(operation)
                outcome.add(name, self._visit(operation, name))
                _check_sizes(operation, name, self._server)
                if operation.leaves is not None:
                    newest[name] = self._server.newest(*operation.leaves)
            _check_payloads(operation, newest)
        return outcome

    def _start(self, name: str) -> Side:
        return Side(name, self._server.url, Path(mkdtemp(dir=self._directory)))

    def _round_trips(self, operation: Operation) -> int:
        side = self._sides[COUNTING]
        self._seed(operation)
        if operation.leaves is None:
            # Loads the scripts; an operation that changes jobs has so many round trips that this one does not matter.
            side.prepare(operation.name, operation.args)
            side.run()
        side.prepare(operation.name, operation.args)
        return side.run().round_trips

    def _visit(self, operation: Operation, name: str) -> Visit:
        if operation.memory:
            with self._start(TEEP) as side:
                return Visit(self._ask(side, operation, name).commands, side.peak_rss())
        return self._ask(self._sides[name], operation, name)

    def _ask(self, side: Side, operation: Operation, name: str) -> Visit:
        repeat = operation.repeat[0 if name == TEEP else 1]
        side.prepare(operation.name, operation.args, repeat)
        before = self._server.commands()
        answer = side.run()
        commands = self._server.commands() - before
        _check_result(operation, name, answer.result)
        return Visit(commands / repeat, answer.seconds)

    def _seed(self, operation: Operation) -> None:
        """Fill Redis, unless it is full of the same already and nothing has changed it."""
        if self._seeded is not operation.seed:
            self._server.client.flushall()
            operation.seed(self._server)
        self._seeded = operation.seed if operation.leaves is None else None


def _names(operation: Operation, number: int) -> list[str]:
    """The sides that take part in a round."""
    late = operation.ruby_rounds is not None and number >= operation.ruby_rounds
    return [TEEP] if operation.alone or late else sides()


def _check_result(operation: Operation, name: str, result: Any) -> None:
    """Raises BenchError if a side gives another answer than it must."""
    if operation.expected is not NOT_COMPARED and result != operation.expected:
        raise BenchError(f"{operation.title}: {name} answered {result!r}, not {operation.expected!r}")


def _check_sizes(operation: Operation, name: str, server: Server) -> None:
    """Raises BenchError if a side left other lists and sets than it must."""
    if operation.leaves is None:
        return
    sizes = server.sizes()
    if sizes != operation.leaves:
        raise BenchError(f"{operation.title}: {name} left {sizes!r}, not {dict(operation.leaves)!r}")


def _check_payloads(operation: Operation, newest: Mapping[str, bytes]) -> None:
    """Raises BenchError if the sides wrote payloads of another shape or size."""
    if len(newest) < 2:
        return
    teep, ruby = newest[TEEP], newest[RUBY]
    same_fields = msgspec.json.decode(teep).keys() == msgspec.json.decode(ruby).keys()
    if not same_fields or abs(len(teep) - len(ruby)) > _LENGTH_TOLERANCE:
        raise BenchError(f"{operation.title}: the payloads differ: {teep!r} and {ruby!r}")
