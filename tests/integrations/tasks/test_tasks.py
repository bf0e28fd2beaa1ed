"""Django's tasks on teep: the cases run in a project, which has its own process, on both of Django's interfaces."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import Server

PROJECT = Path(__file__).parent / "project"


@pytest.mark.slow("a pytest of its own, with Django and some workers")
def test_the_cases_hold_in_a_project(valkey: Server, tmp_path: Path) -> None:
    valkey.flushall()
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    variables = {"DJANGO_SETTINGS_MODULE": "settings", "REDIS_URL": valkey.url}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "cases.py"],
        cwd=folder, env=os.environ | variables, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert re.search(r"\b\d+ passed", done.stdout)
    assert "skipped" not in done.stdout
