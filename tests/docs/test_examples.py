"""Every Python example in README and docs runs, page by page, on a real server; test files are run by pytest.

A block under `<!-- file: NAME -->` is written into a file of that name first, whatever its language.
"""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.support import forkserver
from tests.support.servers import Server

ROOT = Path(__file__).parents[2]
# These have commands between their examples: see test_django_page.py and tests/integrations/test_flask.py.
WALKED = {ROOT / "docs" / name for name in ("django.md", "django-tasks.md", "flask.md")}
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").glob("*.md")) - WALKED)]
BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n```\w+|```python)\n(?P<code>.*?)```", re.DOTALL)


def examples(page: Path) -> list[re.Match[str]]:
    return list(BLOCK.finditer(page.read_text("utf-8")))


@pytest.mark.slow("the examples of some pages start workers and servers, as a reader would")
@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=lambda page: page.name)
def test_the_examples_of_a_page_run_in_order(page: Path, valkey: Server, tmp_path: Path) -> None:
    valkey.flushall()
    script = []
    for block in examples(page):
        if block["file"]:
            path = tmp_path / block["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block["code"], "utf-8")
        else:
            script.append(block["code"])
    (tmp_path / "page.py").write_text("\n".join(script), "utf-8")
    run("page.py", cwd=tmp_path, url=valkey.url)
    if tests := sorted(path.name for path in tmp_path.glob("test_*.py")):
        run("-m", "pytest", "-W", "error", "--strict-markers", *tests, cwd=tmp_path, url=valkey.url)


def run(*arguments: str, cwd: Path, url: str) -> None:
    done = forkserver.run([sys.executable, *arguments], cwd, {**os.environ, "TEEP_REDIS_URL": url})
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_shows_the_two_commands_first() -> None:
    shell = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert shell[0].split()[0:2] == ["make", "demo"]
    assert "make test" in shell[0]
