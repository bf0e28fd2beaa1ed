"""The layers hold: imports go down only, the protocol does no I/O, and plans need no event loop."""

import ast
import builtins
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import teep
from teep import api, errors
from teep.client.delivery.routes import deliver
from teep.config import Config
from teep.drivers.plans import run_plan
from teep.store import processes
from teep.store.jobs import jobsets, queues
from teep.store.jobs.pushes import Push
from teep.store.running import inflight, orphans
from teep.store.statistics import stats
from teep.wire.command import Command, Plan
from teep.wire.keys import Key

ROOT = Path(__file__).parent.parent
PACKAGE = Path(teep.__file__).parent
PURE = sorted(path for layer in ("wire", "store") for path in (PACKAGE / layer).rglob("*.py"))

# What these layers may import from outside: values and their transformation, nothing that reaches out.
# `pkgutil` reads the scripts, which are part of the package.
ALLOWED = {
    "base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "datetime", "decimal", "enum",
    "functools", "hashlib", "itertools", "json", "math", "numbers", "operator", "pathlib", "pkgutil", "re", "secrets",
    "struct", "typing", "uuid", "zlib", "msgspec", "teep",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns", "sleep"}


def test_imports_go_down_only() -> None:
    # In a process of its own: import-linter sets up logging, which switches off the loggers of who calls it.
    linter = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports within functions and for type checkers count, too: where each needs the other, they are one module."""
    modules = dict(_modules(PACKAGE))
    needs = {name: set(_needed(ast.parse(path.read_text("utf-8")), modules)) for name, path in modules.items()}
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_a_circle_is_found() -> None:
    modules = {"teep.a": Path(), "teep.a.b": Path()}
    tree = ast.parse("def late():\n    from teep.a import b, c\n    import teep.a.b, os")
    assert sorted(_needed(tree, modules)) == ["teep.a", "teep.a.b", "teep.a.b"]
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({"teep.a": {"teep.a.b"}, "teep.a.b": {"teep.a"}}).prepare()


def _modules(package: Path) -> Iterator[tuple[str, Path]]:
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _needed(tree: ast.AST, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules that a module imports anywhere in it, or takes a name from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            inside = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (
                name if name in modules else str(node.module) for name in inside if str(node.module) in modules
            )


@pytest.mark.parametrize("room", ["worker", "job", "drivers"])
def test_what_the_runtime_logs_cannot_raise(room: str) -> None:
    """It has loggers of `teep.telling` only, which let nothing out of users' filters, handlers and formatters."""
    plain = [path for path in (PACKAGE / room).rglob("*.py") if 'logging.getLogger("teep' in path.read_text("utf-8")]
    assert plain == []


@pytest.mark.parametrize("path", PURE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_protocol_does_no_io_and_reads_no_clock(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert _imported(path) <= ALLOWED
    assert {call for call in _attribute_calls(tree) if call in CLOCKS} == set()


@pytest.mark.parametrize(
    ("library", "room"),
    [
        ("redis", "drivers"),
        ("cryptography", "encryption"),
        ("opentelemetry", "integrations"),
        ("prometheus_client", "integrations"),
        ("django", "integrations"),
        ("sqlalchemy", "integrations"),
        ("starlette", "web"),
        ("jinja2", "web"),
        ("textual", "top"),
        ("cronsim", "schedules"),
    ],
)
def test_a_library_stays_in_its_room(library: str, room: str) -> None:
    importers = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py") if library in _imported(path)}
    assert importers == {room}


# Exceptions that nobody outside of their module meets, each with what becomes of it.
CAUGHT = {
    "teep.config.sources.erb._Refused": "render says where the Ruby stands, as a ConfigurationError",
    "teep.config.sources.settings.Unreadable": "the resolution collects all of them into one ConfigurationError",
    "teep.job.iterable.iteration.Aborted": "an iterable job's way out of its own loop",
    "teep.embedded.keeper.ServerFailedError": "the keeper logs it, and its starter raises EmbeddedServerError",
    "teep.web.json.answers.Refused": "the endpoint that it is raised in answers with it",
    "teep.web.application._Elsewhere": "the app sends the browser to the page beside",
    "teep.worker.run.halting.interrupts._Drained": "a thread raises it in itself, and catches it there",
}
# They end a job that runs, so no `except Exception` of it may hold them up; the one warning is no error.
OUTSIDE = {"teep.errors.Shutdown", "teep.errors.JobCancelled", "teep.errors.BlockingPush"}


def test_every_error_is_in_one_tree_or_never_gets_out() -> None:
    python = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    outside = _heirs(python) - _heirs({"TeepError"}) - {"teep.errors.TeepError"}
    assert outside == CAUGHT.keys() | OUTSIDE


@pytest.mark.parametrize("kind", ["EmbeddedProcess", "JobKilled", "NoDeployLabel"])
def test_an_error_is_found_where_it_was_and_where_all_are(kind: str) -> None:
    assert getattr(api, kind) is getattr(errors, kind)


def _heirs(of: set[str]) -> set[str]:
    """Return the dotted names of teep's classes that derive from some others, named without their modules."""
    found = _classes()
    heirs: set[str] = set()
    while new := {name for name, bases in found.items() if bases & (of | {_last(heir) for heir in heirs})} - heirs:
        heirs |= new
    return heirs


@functools.cache
def _classes() -> dict[str, set[str]]:
    """Return by the dotted name of each class its bases, without their modules."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[f"{module}.{node.name}"] = {_last(ast.unparse(base)) for base in node.bases}
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]


@functools.cache
def _imported(path: Path) -> frozenset[str]:
    """The top-level packages that a file imports from."""
    return frozenset(module.partition(".")[0] for module in _imports(ast.parse(path.read_text("utf-8"))))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def _attribute_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


class _NoServer:
    """Answers every command as an empty Redis would, with no I/O at all."""

    def __init__(self) -> None:
        self.commands: list[Command[Any]] = []

    def execute(self, command: Command[Any]) -> Any:
        self.commands.append(command)
        return _empty(command)


def _empty(command: Command[Any]) -> Any:
    parts = getattr(command, "commands", None)
    if parts is not None:
        return [_empty(part) for part in parts]
    for reply in ([], 0, None, [b"0", []], b"{}"):
        try:
            return command.read(reply)
        except (TypeError, ValueError, IndexError, AttributeError):
            continue
    raise AssertionError(f"no empty reply suits {command}")


PLANS = [
    deliver(Config(redis_url="redis://nowhere"), Push({"q": [b"x"]}, [(1.0, b"y")])),
    queues.names(),
    queues.summaries(),
    queues.page("q", 0, 10),
    queues.clear("q"),
    jobsets.size(Key("retry")),
    jobsets.trim_dead(0.0, jobsets.DeadLimits(1, 1.0)),
    inflight.requeue_all("me", ["q"]),
    inflight.give_back("me", "q", [b"x"]),
    orphans.walk(),
    processes.identities(),
    processes.send_signal("me", "TERM"),
    stats.queue_sizes(),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__qualname__)
def test_plans_need_neither_an_event_loop_nor_a_server(plan: Plan[Any]) -> None:
    server = _NoServer()
    run_plan(plan, server)
    assert server.commands
    assert all(isinstance(command, Command) for command in server.commands)
