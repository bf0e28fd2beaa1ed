"""The virtual environments of the peers: one each, since they need different versions of the same libraries."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from bench.errors import BenchError

_REQUIREMENTS = Path(__file__).parent / "peers" / "requirements"
_CACHE = Path(__file__).parent.parent / ".bench"
_STAMP = "installed.txt"


@cache
def executable(environment: str, program: str) -> Path:
    """The path of a program of an environment, which is made if it is missing or outdated: 10 to 30 s.

    Raises BenchError, with the installer's own words, if it can't be made.
    """
    wanted = (_REQUIREMENTS / f"{environment}.txt").read_text(encoding="utf-8")
    folder = _CACHE / environment
    stamp = folder / _STAMP
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        _make(folder, environment)
        stamp.write_text(wanted, encoding="utf-8")
    return folder / "bin" / program


def version(environment: str) -> str:
    """The package that the environment is for, such as "celery 5.7.0"."""
    for line in (_REQUIREMENTS / f"{environment}.txt").read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if name == environment:
            return f"{name} {version}"
    raise BenchError(f"the requirements of {environment} do not name it")


def _make(folder: Path, environment: str) -> None:
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    requirements = str(_REQUIREMENTS / f"{environment}.txt")
    _run(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "-r", requirements)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or ["no reason given"]
        raise BenchError(f"it can't be installed: {last[0].strip()}")
