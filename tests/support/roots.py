"""The root folders that `.ci/root` makes: Sidekiqs and servers that this machine's own Debian has not.

What runs in a root needs root rights, since it changes its root directory. A program that needs nothing of its root
but libraries runs without: by the root's own loader.

Tests of a root that is not there are left out, and a sentence at the end says so; with TEEP_TESTS=complete, as CI has
it, nothing runs then.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_PROJECT = Path(__file__).parents[2]


def _has_sidekiq_6() -> bool:
    """Whether this machine's own Sidekiq is the oldest that is tested, as Debian 12's is; not asked but of Debian."""
    if shutil.which("dpkg-query") is None:
        return True
    asked = ["dpkg-query", "-W", "-f", "${Version}", "ruby-sidekiq"]
    version = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
    return not version or version.startswith("6.")


OLDEST_SIDEKIQ = None if _has_sidekiq_6() else "sidekiq6"
"""The root of Sidekiq 6.4; None if it is this machine's own."""
ROOTS = ("trixie", "sid", *filter(None, [OLDEST_SIDEKIQ]))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "root(name): needs a root folder that `.ci/root NAME` makes")
    config.addinivalue_line("markers", "sidekiq(version, ...): runs with these Sidekiqs alone, not with every one")
    missing = left_out()
    if missing and os.environ.get("TEEP_TESTS") == "complete":
        raise pytest.UsageError(missing)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = [item for item in items if any(not can_enter(mark.args[0]) for mark in item.iter_markers("root"))]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = left_out()
    if missing:
        terminalreporter.write_line(missing)


def folder(name: str) -> Path | None:
    """The root of this name, or None where it has not been made."""
    found = Path(os.environ.get("TEEP_ROOTS") or _PROJECT / ".roots") / name
    return found if (found / ".stamp").exists() else None


def can_enter(name: str) -> bool:
    """Whether programs can run in this root."""
    return os.geteuid() == 0 and folder(name) is not None


def left_out() -> str | None:
    """The sentence about what the tests leave out here, if anything."""
    missing = [name for name in ROOTS if not can_enter(name)]
    if not missing:
        return None
    versions = {"trixie": "Sidekiq 7.3 and Redis 8", "sid": "Sidekiq 8.1", "sidekiq6": "Sidekiq 6.4"}
    return (
        f"left out: {', and '.join(versions[name] for name in missing)}, which need root rights and Debian's "
        f"debootstrap; get them as root by .ci/root {' '.join(missing)}"
    )


def entering(name: str, command: Sequence[str]) -> list[str]:
    """The command line that runs a command in this root. It sees this project's folder, and becomes the command."""
    return [str(_PROJECT / ".ci" / "enter"), str(_made(name)), *command]


def environment() -> dict[str, str]:
    """What `entering` needs in the environment."""
    return {"ENTER_WITH": str(_PROJECT)}


def loading(name: str, program: str) -> list[str]:
    """The begin of a command line that runs this root's program outside of it."""
    root = _made(name)
    loader = next((root / "lib64").glob("ld-linux-*.so.2"))
    return [
        str(loader),
        "--library-path",
        str(root / "usr/lib" / f"{os.uname().machine}-linux-gnu"),
        str(root / program),
    ]


def _made(name: str) -> Path:
    found = folder(name)
    if found is None:
        raise RuntimeError(f"These tests need the root {name}: .ci/root {name}")
    return found
