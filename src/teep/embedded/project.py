"""Finds the project that a process works in: its folder is the nearest one upward with a file of `MARKS`."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

MARKS = ("teep.toml", "pyproject.toml", "manage.py")
"""Files that mark the folder of a project."""


def upward() -> Iterator[Path]:
    """The working folder, then those above it, nearest first: where a project's files are looked for.

    It ends before the user's home folder and the root of the file system, which belong to no project. Folders that
    every user may write to, such as /tmp, are passed over: files there may be somebody else's. If the working folder
    is gone, there are none.
    """
    here = working_folder()
    if here is None:
        return
    yield here
    ends = {_home(), Path(here.anchor)}
    for folder in here.parents:
        if folder in ends:
            return
        if not _is_open_to_all(folder):
            yield folder


def working_folder() -> Path | None:
    """The working folder; None if it is gone, or closed to this user."""
    try:
        return Path.cwd()
    except OSError:
        return None


def project_folder() -> Path | None:
    """The nearest folder with a file of `MARKS`."""
    return next((folder for folder in upward() if any(is_file(folder / mark) for mark in MARKS)), None)


def is_file(path: Path) -> bool:
    """Tell whether there is a file that this user can see."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib raises PermissionError in a folder that is closed to us


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except (OSError, RuntimeError):  # no HOME, and a user that the system does not know
        return None


def _is_open_to_all(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return True
