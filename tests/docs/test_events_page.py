"""docs/internals/events.md is true: it lists every event, hook and log line that the code has, and no other."""

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import teep
from teep.config.hooks import BackgroundService, Event, Hooks
from teep.runtime import notices
from teep.store.feature import Feature
from teep.wire import options
from teep.worker.logs import records
from teep.worker.run import observers
from teep.worker.run.run import State

PACKAGE = Path(teep.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "internals" / "events.md"
ROWS = re.findall(r"^\| ([^|]+) \| `([^|]*)` \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)

_LOGGERS = ("Logger", "logging.getLogger")
_LEVELS = {
    "debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR",
    "critical": "CRITICAL",
}  # fmt: skip
# The words of one call that come from its callers.
_OF_A_RUN = {"{text}": {"start", *observers.LINES.values()}}


def _named(kind: str) -> list[str]:
    return [name for of, name, _ in ROWS if of == kind]


def _public(kind: type) -> set[str]:
    return {name for name, value in vars(kind).items() if not name.startswith("_") and inspect.isfunction(value)}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("event", set(get_args(Event))),
        ("hook", {name for name in vars(Hooks()) if not name.startswith("_")}),
        ("service", _public(BackgroundService)),
        ("option", {name for name, option in options.OPTIONS.items() if option.takes.startswith("callable")}),
        ("config", {field.name for field in fields(teep.Config) if callable(getattr(teep.Config(), field.name))}),
        ("iterable", {name for name in _public(teep.IterableJob) if name.startswith(("on_", "around_"))}),
        ("feature", _public(Feature)),
        (
            "happening",
            {f"Run: {state.name}" for state in State}
            | {
                name
                for name, value in vars(notices).items()
                if inspect.isclass(value) and value.__module__ == notices.__name__ and issubclass(value, tuple)
            },
        ),
    ],
)
def test_the_page_lists_each_event_and_hook(kind: str, names: set[str]) -> None:
    assert Counter(_named(kind)) == Counter(names)


def test_the_page_lists_each_log_line() -> None:
    told = Counter((kind, words) for kind, words, _ in ROWS if "`teep" in kind)
    logged = Counter(line for path in sorted(PACKAGE.rglob("*.py")) for line in lines_of(path.read_text("utf-8")))
    missing = "\n".join(f"| {kind} | `{words}` | when? |" for kind, words in (logged - told).elements())
    assert not missing, f"add to {PAGE.name}:\n{missing}"
    superfluous = "\n".join(f"| {kind} | `{words}` |" for kind, words in (told - logged).elements())
    assert not superfluous, f"take out of {PAGE.name}:\n{superfluous}"


def test_a_row_of_the_page_is_of_a_known_kind() -> None:
    kinds = {kind for kind, _, _ in ROWS}
    lines = {kind for kind in kinds if re.fullmatch(r"[A-Z]+( or [A-Z]+)? `teep(\.\w+)*`", kind)}
    assert kinds - lines == {"event", "hook", "service", "option", "config", "iterable", "feature", "happening"}


def test_lines_are_found_however_they_are_logged() -> None:
    code = """
logger = Logger("teep.fetcher")
_in_job = Logger("teep", passing=INTERRUPTIONS)
other = print
def log():
    logger.info("of %s" "\\n", 1)
    _in_job.log(logging.ERROR if bad else logging.INFO, "how bad")
    logger.warning(words)
    other.info("none")
    job_lines.logger.info("from elsewhere")
"""
    assert list(lines_of(code)) == [
        ("INFO `teep.fetcher`", r"of %s\n"),
        ("ERROR or INFO `teep`", "how bad"),
        ("WARNING `teep.fetcher`", "{words}"),
        ("INFO `of another module`", "from elsewhere"),
    ]


def lines_of(code: str) -> Iterator[tuple[str, str]]:
    """The log lines in a module: level and logger, and the words."""
    tree = ast.parse(code)
    loggers = dict(_loggers(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            logger = ast.unparse(node.func.value)
            name = loggers.get(logger, "of another module" if logger.endswith(".logger") else None)
            if name is not None and node.func.attr in {*_LEVELS, "log"}:
                level, words = _level_and_words(node.func.attr, node.args)
                yield from ((f"{level} `{name}`", each) for each in sorted(_OF_A_RUN.get(words, {words})))


def _loggers(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        made = node.value if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.Assign) and isinstance(made, ast.Call) and ast.unparse(made.func) in _LOGGERS:
            name = ast.unparse(made.args[0])
            yield ast.unparse(node.targets[0]), records.JOBS if name == "JOBS" else ast.literal_eval(name)


def _level_and_words(method: str, args: list[ast.expr]) -> tuple[str, str]:
    if method != "log":
        return _LEVELS[method], _words(args[0])
    return " or ".join(re.findall(r"logging\.([A-Z]+)", ast.unparse(args[0]))), _words(args[1])


def _words(said: ast.expr) -> str:
    words = said.value if isinstance(said, ast.Constant) else f"{{{ast.unparse(said)}}}"
    return str(words).replace("\n", r"\n")
