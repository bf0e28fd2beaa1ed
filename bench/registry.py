"""Every system there is to measure, or the reason why one is missing here."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.errors import BenchError
from bench.server import Server
from bench.system import SidekiqFormat, System

_PYTHON = sys.executable
_JOBS_RB = Path(__file__).parent / "systems" / "jobs.rb"
_SIDEKIQ = ("sidekiq", "-r", str(_JOBS_RB), "-c", "10", "-q", "default")
_TEEP = (_PYTHON, "-c", "from teep.cli import main; main()", "worker", "bench.systems.teep_jobs")
_TEEP_OPTIONS = ("-c", "10", "-q", "default", "--log-level", "WARNING")

SYSTEMS: tuple[System, ...] = (
    SidekiqFormat("floor-batch", (_PYTHON, "-m", "bench.systems.floor", "batch"), "NoopJob"),
    SidekiqFormat("floor-brpop", (_PYTHON, "-m", "bench.systems.floor", "brpop"), "NoopJob"),
    SidekiqFormat("ruby-sidekiq", _SIDEKIQ, "NoopJob"),
    SidekiqFormat("ruby-sidekiq-yjit", _SIDEKIQ, "NoopJob", {"RUBYOPT": "--yjit"}),
    SidekiqFormat("teep", _TEEP + _TEEP_OPTIONS, "NoopJob"),
    SidekiqFormat("teep-async", _TEEP + _TEEP_OPTIONS, "AsyncNoopJob"),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The systems to visit, and a sentence for each that can't be visited here."""

    systems: Sequence[System]
    missing: Sequence[str]


def select(names: Sequence[str]) -> Selection:
    """The systems with these names, or all for none. Raises BenchError for a name that isn't one."""
    known = {system.name: system for system in SYSTEMS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BenchError(f"no system is called {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in names] or list(SYSTEMS)
    reasons = {system.name: _why_missing(system.name) for system in chosen}
    return Selection(
        systems=[system for system in chosen if not reasons[system.name]],
        missing=[f"{name} is left out: {reason}." for name, reason in reasons.items() if reason],
    )


def _why_missing(name: str) -> str:
    if name.startswith("ruby") and shutil.which("sidekiq") is None:
        return "there is no `sidekiq` command (Debian's package is ruby-sidekiq)"
    if name == "ruby-sidekiq-yjit" and "+YJIT" not in _output("ruby", "--yjit", "--version"):
        return "this Ruby was built without YJIT"
    return ""


def versions() -> list[str]:
    """What runs here, each with its version, such as "hiredis 3.5.0"; teep is this checkout."""
    found = [Server.version(), f"python {sys.version.split()[0]}"]
    found += [f"{package} {version(package)}" for package in ("redis", "hiredis", "msgspec")]
    if shutil.which("sidekiq"):
        found += [" ".join(_output("ruby", "--version").split()[:2]), _output("sidekiq", "-V").lower()]
    return [*found, f"teep at {_output('git', 'describe', '--always', '--dirty')}"]


def _output(*command: str) -> str:
    """What the command prints; nothing where it refuses, as a Ruby without YJIT does."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip()
