"""A folder of its own for each test, and an environment that says nothing."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teep.config import isolated

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    others = {"REDIS_URL", "APP_ENV", "RAILS_ENV", "RACK_ENV"}
    for name in [name for name in os.environ if name.startswith("TEEP_") or name in others]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with isolated(fallbacks={}):
        yield


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file into the working directory and returns its path as a user would name it."""

    def write(text: str, name: str = "teep.toml") -> Path:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
        return Path(name)

    return write
