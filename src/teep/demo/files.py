"""The files that the demo analyses: the standard library's, and a few that cannot be parsed."""

import sysconfig
from pathlib import Path
from typing import NamedTuple

from teep.errors import TeepError

_BROKEN = {
    "half_written.py": b"def greet(name):\n    return f'Hello {name}\n",
    "not_utf8.py": b"# In Latin-1, though the file does not say so.\n\nname = 'caf\xe9'\n",
    "unknown_encoding.py": b"# coding: klingon\n",
}
_MENDED = b"def greet(name):\n    return f'Hello {name}'\n"
# From this many bytes on a file goes to the queue for heavy ones.
_HEAVY = 100_000
# One file in so many is analysed by an `async def` job, and one is scheduled a few seconds ahead.
_ASYNC_EVERY = 5
_LATER_EVERY = 25


class Shares(NamedTuple):
    """The files by how their jobs are pushed."""

    heavy: list[str]
    light: list[str]
    coroutine: list[str]
    later: list[str]


def standard_library() -> Path:
    """Return the folder of the running Python's standard library."""
    return Path(sysconfig.get_path("stdlib"))


def python_files(library: Path) -> list[Path]:
    """Return every `.py` file of the standard library.

    Files installed beside it do not count, nor does a link to a file that is not there: Debian has one.

    Raises:
        TeepError: there are none, as if Python runs from a zip file.
    """
    found = (path for path in sorted(library.rglob("*.py")) if path.is_file())
    files = [path for path in found if not _is_installed(path.relative_to(library))]
    if not files:
        raise TeepError(f"there are no .py files in {library}, so there is nothing to analyse")
    return files


def write_broken(folder: Path) -> list[Path]:
    """Write the files that cannot be parsed or decoded: some Pythons ship such files as tests, others none."""
    folder.mkdir()
    for name, content in _BROKEN.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in _BROKEN]


def mend(path: str) -> None:
    """Complete the half-written file."""
    Path(path).write_bytes(_MENDED)


def share_out(files: list[Path]) -> Shares:
    """Divide the files among the kinds of jobs."""
    shares = Shares([], [], [], [])
    for number, path in enumerate(files, 1):
        if path.stat().st_size >= _HEAVY:
            share = shares.heavy
        elif number % _LATER_EVERY == 0:
            share = shares.later
        elif number % _ASYNC_EVERY == 0:
            share = shares.coroutine
        else:
            share = shares.light
        share.append(str(path))
    return shares


def _is_installed(relative: Path) -> bool:
    return relative.parts[0] in ("site-packages", "dist-packages")
