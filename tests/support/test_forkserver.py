"""A fork of the server of forks is what a fresh interpreter would be."""

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.support import forkserver

_PROGRAM = """
import json, os, sys, warnings
print(json.dumps({
    "arguments": sys.argv[1:], "original": sys.orig_argv[1:], "folder": os.getcwd(), "path": sys.path[:2],
    "first": sys.argv[0], "variables": dict(os.environ),
    "names": sorted(set(globals()) - {"__annotations__", "__cached__"}), "name": __name__,
    "main": vars(sys.modules["__main__"]) is globals(), "file": globals().get("__file__"),
    "package": __package__, "spec": bool(__spec__), "loader": bool(__loader__),
    "strict": any(action == "error" for action, *_ in warnings.filters),
    "writes": not sys.dont_write_bytecode, "input": sys.stdin.read(),
}))
print("to stderr", file=sys.stderr)
if "wait" in sys.argv:
    sys.stdout.flush()
    os.kill(os.getpid(), int(sys.argv[2]))
sys.exit(int(sys.argv[2]))
"""
_VARIABLES = {"PATH": "/bin", "MINE": "ö", "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("here", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "asking.py").write_text(_PROGRAM)
    return tmp_path / "here"


def _variables(folder: Path) -> dict[str, str]:
    at_start = forkserver.read_at_start()
    return {**at_start, **_VARIABLES, "PYTHONPATH": f"{forkserver.ROOT / 'src'}:{folder / 'more'}"}


def _fresh(command: list[str], folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        command, cwd=folder, env=_variables(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _forked(command: list[str], folder: Path) -> tuple[int, str, str]:
    assert forkserver.can_start(command, _variables(folder))
    done = forkserver.run(command, folder, _variables(folder))
    return done.returncode, done.stdout, done.stderr


_WAYS = {
    "a module": ("-m", "asking"),
    "a string": ("-c", _PROGRAM),
    "a script": ("asking.py",),
    "a script elsewhere": ("../elsewhere/asking.py",),
}


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("code", ["0", "3"])
def test_it_is_what_a_fresh_interpreter_is(folder: Path, way: str, code: str) -> None:
    command = [sys.executable, *_WAYS[way], "one", code]
    assert _forked(command, folder) == _fresh(command, folder)


@pytest.mark.parametrize("way", ["-m", "-c", "script"])
def test_it_fails_as_a_fresh_interpreter_does(folder: Path, way: str) -> None:
    (folder / "failing.py").write_text("def fail():\n    1 / 0\n\nfail()\n")
    program = {"-m": ["-m", "failing"], "-c": ["-c", "def fail(): 1 / 0\nfail()"], "script": ["failing.py"]}[way]
    (forked, *_, told), (fresh, *_, wanted) = (run([sys.executable, *program], folder) for run in (_forked, _fresh))
    assert forked == fresh == 1
    # Below it are frames of the server, as below a module those of runpy.
    assert told.splitlines()[-1] == wanted.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_it_can_begin_a_session(folder: Path) -> None:
    program = "import os; print(os.getsid(0) == os.getpid())"
    with TemporaryFile("w+") as printed:
        command = [sys.executable, "-c", program]
        assert forkserver.start(command, folder, _variables(folder), printed, printed, session=True).wait(30) == 0
        printed.seek(0)
        assert printed.read() == "True\n"


def test_its_death_by_a_signal_is_told(folder: Path) -> None:
    code, printed, _ = _forked([sys.executable, "-m", "asking", "wait", str(int(signal.SIGKILL))], folder)
    assert code == -signal.SIGKILL
    assert printed


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ([sys.executable, "-W", "error", "-c", "pass"], {}),
        ([sys.executable], {}),
        (["/bin/true"], {}),
        ([sys.executable, "-m", "teep"], {"PYTHONUTF8": "0"}),
        ([sys.executable, "-m", "teep"], {"LC_ALL": "C"}),
        ([sys.executable, "-m", "teep"], {"PYTHONWARNINGS": "ignore"}),
    ],
)
def test_what_only_a_fresh_interpreter_can_be_is_none(command: list[str], variables: dict[str, str]) -> None:
    assert not forkserver.can_start(command, forkserver.read_at_start() | variables)
