"""What docs/typing.md says of type checkers, mypy and pyright say themselves."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_examples import ROOT, examples

PAGE = ROOT / "docs" / "typing.md"
# Both print FILE:LINE: or FILE:LINE:COLUMN - , then the error.
FOUND = re.compile(r"(\w+\.py):(\d+)(?::\d+)?(?: -|:) error")
# What mypy has found of teep is kept for the next run: to read all of it takes ten times as long.
CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache" / "page")],
    "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page's files, and its other examples as one."""
    blocks = examples(PAGE)
    for block in blocks:
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["code"], "utf-8")
    (tmp_path / "page.py").write_text("\n".join(block["code"] for block in blocks if not block["file"]), "utf-8")
    return tmp_path


@pytest.mark.slow("a type checker reads all of teep", seconds=15)
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_finds_each_mistake_and_nothing_else(checker: str, page: Path) -> None:
    command = [*CHECKERS[checker], *sorted(path.name for path in page.glob("*.py"))]
    done = subprocess.run(command, cwd=page, capture_output=True, text=True, check=False, timeout=100)
    found = {(file, int(line)) for file, line in FOUND.findall(done.stdout)}
    lines = (page / "mistakes.py").read_text("utf-8").splitlines()
    assert found == {("mistakes.py", number) for number, line in enumerate(lines, 1) if "# error" in line}, (
        done.stdout
    )
