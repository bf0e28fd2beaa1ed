"""Every system there is to measure, or the reason why one is missing here."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from bench import environments
from bench.errors import BenchError
from bench.server import Server
from bench.system import System

_JOBS_RB = Path(__file__).parent / "systems" / "jobs.rb"
_FLOOR = ("python", "-m", "bench.systems.floor")
_TEEP = ("python", "-m", "teep", "worker")
_TEEP_OPTIONS = ("-c", "{concurrency}", "-q", "default", "--log-level")
_TASKIQ = ("--workers", "1", "--max-async-tasks", "{concurrency}", "--max-prefetch", "100", "--no-parse")

_RUBY = System("ruby-sidekiq", ("sidekiq", "-r", str(_JOBS_RB), "-c", "{concurrency}", "-q", "default"))
_TEEP_SYNC = System(
    "teep", (*_TEEP, "bench.systems.teep_jobs", *_TEEP_OPTIONS, "WARNING"), client="bench.systems.teep_jobs"
)
_TEEP_ASYNC = System(
    "teep-async",
    (*_TEEP, "bench.systems.teep_async_jobs", *_TEEP_OPTIONS, "WARNING"),
    client="bench.systems.teep_async_jobs",
)


def _special(kind: str, share: float = 1.0) -> System:
    """teep with no-op jobs that have an option, such as `unique_for`."""
    module = "bench.systems.teep_special_jobs"
    command = (*_TEEP, module, *_TEEP_OPTIONS, "WARNING")
    return System(f"teep-{kind}", command, pusher=module, env={"BENCH_KIND": kind}, share=share)


_SPECIAL = (
    _special("unique"),
    _special("encrypted"),
    _special("iterable", share=0.1),
    _special("limited"),
    _special("held"),
    _special("batch"),
)
# Of interest only beside teep's own ordinary jobs.
SPECIAL_NAMES = tuple(system.name for system in _SPECIAL)

OURS: tuple[System, ...] = (
    System("floor-threads", (*_FLOOR, "batch", "{concurrency}")),
    System("floor-batch", (*_FLOOR, "batch", "1")),
    System("floor-brpop", (*_FLOOR, "brpop"), client="bench.systems.lpush"),
    _RUBY,
    replace(_RUBY, name="ruby-sidekiq-yjit", env={"RUBYOPT": "--yjit"}),
    replace(_RUBY, name="ruby-sidekiq-info", env={"BENCH_LOG_LEVEL": "INFO"}, lines_a_job=2),
    _TEEP_SYNC,
    _TEEP_ASYNC,
    replace(_TEEP_SYNC, name="teep-info", client=None, command=(*_TEEP_SYNC.command[:-1], "INFO"), lines_a_job=2),
    replace(
        _TEEP_SYNC,
        name="teep-x2",
        client=None,
        command=("python", "-m", "bench.systems.pair", sys.executable, *_TEEP_SYNC.command[1:]),
    ),
    *_SPECIAL,
)


def _peer(
    name: str,
    command: str,
    *,
    keys: Sequence[str],
    share: float,
    environment: str | None = None,
    **env: str,
) -> System:
    own = environment or name
    module = f"bench.peers.{own}_jobs"
    words = command.format(module=module, concurrency="{concurrency}", url="{url}").split()
    return System(name, words, pusher=module, client=module, environment=own, keys=keys, env=env, share=share)


PEERS: tuple[System, ...] = (
    _peer(
        "celery",
        "celery -A {module} worker -P threads -c {concurrency} -l WARNING"
        " --without-gossip --without-mingle --without-heartbeat",
        keys=("celery", "unacked"),
        share=0.02,
    ),
    _peer(
        "rq",
        "rq worker -w rq.SimpleWorker -q -u {url} default",
        keys=("rq:queue:default", "rq:wip:default"),
        share=0.006,
    ),
    _peer(
        "dramatiq",
        "dramatiq -p 1 -t {concurrency} {module}",
        keys=("dramatiq:default*", "dramatiq:__acks__*"),
        share=0.08,
    ),
    _peer("huey", "huey_consumer -k thread -w {concurrency} -n -q {module}.huey", keys=("huey.*",), share=0.08),
    _peer(
        "arq",
        "arq {module}.WorkerSettings --custom-log-dict {module}.LOGS",
        keys=("arq:queue",),
        share=0.05,
    ),
    _peer(
        "saq",
        "saq {module}.settings",
        keys=("saq:default:queued", "saq:default:active", "saq:default:incomplete"),
        share=0.05,
    ),
    _peer(
        "taskiq-list",
        "taskiq worker {module}:broker --log-level WARNING " + " ".join(_TASKIQ),
        keys=("taskiq",),
        share=0.08,
        environment="taskiq",
        BENCH_BROKER="list",
    ),
    _peer(
        "taskiq-stream",
        "taskiq worker {module}:broker --log-level WARNING " + " ".join(_TASKIQ),
        keys=("taskiq",),
        share=0.08,
        environment="taskiq",
        BENCH_BROKER="stream",
    ),
    _peer("streaq", "streaq run {module}:worker", keys=("streaq:default:queues:*",), share=0.03),
)

ASYNC_PEERS = ("arq", "saq", "taskiq-list", "taskiq-stream", "streaq")

SYSTEMS = (*OURS, *PEERS)


@dataclass(frozen=True, slots=True)
class Selection:
    """The systems to visit, and a sentence for each that can't be visited here."""

    systems: Sequence[System]
    missing: Sequence[str]


def select(names: Sequence[str], *, peers: bool = True) -> Selection:
    """The systems with these names, or all for none, `peers` or not; their environments are made.

    Raises BenchError for a name that isn't one.
    """
    known = {system.name: system for system in SYSTEMS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BenchError(f"no system is called {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in names] or list(SYSTEMS if peers else OURS)
    reasons = {system.name: _why_missing(system) for system in chosen}
    return Selection(
        systems=[system for system in chosen if not reasons[system.name]],
        missing=[f"{name} is left out: {reason}." for name, reason in reasons.items() if reason],
    )


def _why_missing(system: System) -> str:
    if system.name.startswith("ruby") and shutil.which("sidekiq") is None:
        return "there is no `sidekiq` command (Debian's package is ruby-sidekiq)"
    if system.name == "ruby-sidekiq-yjit" and "+YJIT" not in _output("ruby", "--yjit", "--version"):
        return "this Ruby was built without YJIT"
    try:
        system.prepare()
    except BenchError as error:
        return str(error)
    return ""


def versions(systems: Sequence[System]) -> list[str]:
    """The programs and libraries here, each with its version, such as "hiredis 3.5.0"; teep is this checkout."""
    found = [Server.version(), f"python {sys.version.split()[0]}"]
    found += [f"{package} {version(package)}" for package in ("redis", "hiredis", "msgspec")]
    if shutil.which("sidekiq"):
        found += [" ".join(_output("ruby", "--version").split()[:2]), _output("sidekiq", "-V").lower()]
    peers = {system.environment for system in systems if system.environment is not None}
    found += [environments.version(peer) for peer in sorted(peers)]
    return [*found, f"teep at {_output('git', 'describe', '--always', '--dirty')}"]


def _output(*command: str) -> str:
    """The output of a command; empty if it refuses, as a Ruby without YJIT does."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip()
