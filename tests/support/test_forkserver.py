"""A fork of the server of forks is what a fresh interpreter would be."""

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from tests.support import forkserver

_PROGRAM = """
import json, os, sys, warnings
print(json.dumps({
    "arguments": sys.argv[1:], "original": sys.orig_argv[1:], "folder": os.getcwd(), "path": sys.path[:2],
    "variables": dict(os.environ), "main": sys.modules["__main__"].__name__, "file": sys.modules["__main__"].__file__,
    "strict": any(action == "error" for action, *_ in warnings.filters), "session": os.getsid(0) == os.getpid(),
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
    (tmp_path / "asking.py").write_text(_PROGRAM)
    return tmp_path


def _variables(folder: Path) -> dict[str, str]:
    at_start = forkserver.read_at_start()
    return {**at_start, **_VARIABLES, "PYTHONPATH": f"{forkserver.ROOT / 'src'}:{folder / 'more'}"}


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _forked(folder: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "asking", *arguments]
    assert forkserver.can_start(command, _variables(folder))
    with TemporaryFile("w+") as printed, TemporaryFile("w+") as complaints:
        forked = forkserver.start(command, folder, _variables(folder), printed, complaints, session=True)
        return forked.wait(30), _text(printed), _text(complaints)


def _fresh(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "asking", *arguments],
        cwd=folder, env=_variables(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        start_new_session=True,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("code", ["0", "3"])
def test_it_is_what_a_fresh_interpreter_is(folder: Path, code: str) -> None:
    assert _forked(folder, "one", code) == _fresh(folder, "one", code)


def test_its_death_by_a_signal_is_told(folder: Path) -> None:
    code, printed, _ = _forked(folder, "wait", str(int(signal.SIGKILL)))
    assert code == -signal.SIGKILL
    assert printed


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ([sys.executable, "-c", "pass"], {}),
        (["/bin/true"], {}),
        ([sys.executable, "-m", "teep"], {"PYTHONUTF8": "0"}),
        ([sys.executable, "-m", "teep"], {"LC_ALL": "C"}),
        ([sys.executable, "-m", "teep"], {"PYTHONWARNINGS": "ignore"}),
    ],
)
def test_what_only_a_fresh_interpreter_can_be_is_none(command: list[str], variables: dict[str, str]) -> None:
    assert not forkserver.can_start(command, forkserver.read_at_start() | variables)
