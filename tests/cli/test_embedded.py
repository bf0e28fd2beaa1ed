"""`teep embedded`: says where the store is without starting it, and empties it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from teep import embedded
from teep.api import Queue
from teep.client import Client
from teep.config import Config
from teep.worker import Worker


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which is the working one."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TEEP_DATA_DIR", raising=False)
    return tmp_path


def _teep(*arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "teep", "embedded", *arguments]
    return subprocess.run(
        command, input=answer, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"}
    )


def test_what_was_never_used_is_left_alone(project: Path) -> None:
    now = json.loads(_teep("status", "--json").stdout)
    assert now == {
        "folder": str(project / ".teep"), "by": "project", "used": False, "running": False, "pid": None, "bytes": 0,
    }  # fmt: skip
    assert "was never used" in _teep("status").stdout
    assert "nothing to remove" in _teep("reset", "--yes").stdout
    assert not (project / ".teep").exists()


@pytest.mark.slow("four commands, each an interpreter, around a server")
def test_a_store_is_shown_and_emptied_when_told_to(project: Path) -> None:
    with embedded.acquire() as lease:
        config = Config(redis_url=lease.url, queues=["default"])
        Client(config).push({"class": "C", "args": ["s3cret"], "queue": "other"})
        now = json.loads(_teep("status", "--json").stdout)
        assert (now["running"], now["pid"]) == (True, lease.pid)
        assert now["bytes"] > 0
        refused = _teep("reset", answer="n\n")
        assert refused.returncode == 1
        assert "Remove 1 queued jobs" in refused.stdout
        worker = Worker(config)
        worker.start()
        try:
            assert "1 workers run on" in _teep("reset", "--yes").stderr
            assert Queue("other", config=config).size() == 1
        finally:
            worker.stop()
        assert _teep("reset", "--yes").stdout == f"{project / '.teep'} is empty.\n"
        assert Queue("other", config=config).size() == 0
