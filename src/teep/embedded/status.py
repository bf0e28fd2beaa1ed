"""The state of the embedded server of the default folder, without starting it."""

import os
from pathlib import Path
from typing import NamedTuple

from teep.embedded.folder import Folder, chosen_by, data_dir


class Status(NamedTuple):
    """The folder, the reason for it (`by`), whether it was ever used, and whether its server runs."""

    folder: Path
    by: str
    used: bool
    running: bool
    pid: int | None
    bytes: int


def look() -> Status:
    """Look at the default folder; nothing is created, and no server started.

    Raises ConfigurationError if there is no place for such a folder.
    """
    folder = Folder.find()
    if folder is None or os.name != "posix":
        return Status(data_dir(), chosen_by(), used=False, running=False, pid=None, bytes=0)
    from teep.embedded import keeper  # noqa: PLC0415 - imports fcntl, which Windows does not have

    running = keeper.is_serving(keeper.ping(str(folder.socket)))
    return Status(folder.path, chosen_by(), used=True, running=running, pid=_pid(folder.path) if running else None,
                  bytes=_size(folder.path))  # fmt: skip


def _pid(path: Path) -> int | None:
    try:
        return int((path / "server.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _size(path: Path) -> int:
    """Bytes of the files; one that vanishes meanwhile has none."""
    total = 0
    for file in path.rglob("*"):
        try:
            total += file.lstat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total
