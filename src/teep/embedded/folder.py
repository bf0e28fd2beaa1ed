"""The data folder: finds it, keeps it private to this user, and places its socket."""

import contextlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from teep.embedded.project import project_folder
from teep.errors import ConfigurationError

SOCKET_PATH_LIMIT = 100
"""Bytes. The kernel's limit is 103 on macOS and 107 on Linux."""

PROJECT_NAME = ".teep"
"""The data folder's name in a project's folder."""

RUNTIME = "/tmp/teep-"  # noqa: S108 - a folder of mode 0700, used only if it is ours
"""The folder, but for the user's id at its end, of sockets whose data folder has too long a path."""


@dataclass(frozen=True)
class Folder:
    """One data folder, by its real path, and the path of the socket that its server listens on."""

    path: Path
    socket: Path

    @classmethod
    def prepare(cls, data_dir: Path | None) -> "Folder":
        """Finds the folder (`data_dir`, or the default one) and creates it, readable by its owner only.

        Raises ConfigurationError if it cannot be created, or is open to other users.
        """
        path = resolved(data_dir or default_data_dir())
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_private(path)
            if path.name == PROJECT_NAME:
                _hide_from_git(path)
        except OSError as exc:
            raise ConfigurationError(
                f"the data folder {path} cannot be used: {exc.strerror}; set TEEP_DATA_DIR to one that can, or"
                " REDIS_URL to a running Redis or Valkey"
            ) from exc
        return cls(path, _socket_for(path))

    @classmethod
    def find(cls) -> "Folder | None":
        """The default folder if it exists already; nothing is created. None: nobody has used it yet."""
        path = resolved(default_data_dir())
        return cls(path, _socket_for(path)) if (path / "users.lock").exists() else None


def resolved(data_dir: Path) -> Path:
    """The folder's absolute path, links resolved.

    Raises ConfigurationError if it lies in a home folder, and the user has none.
    """
    try:
        return Path(os.path.realpath(data_dir.expanduser()))
    except (RuntimeError, OSError) as exc:
        raise ConfigurationError(
            f"the data folder {data_dir} cannot be used: {exc}; set TEEP_DATA_DIR to one that can, or REDIS_URL to a"
            " running Redis or Valkey"
        ) from exc


def data_dir() -> Path:
    """The default data folder: absolute, links resolved; nothing is created."""
    return resolved(default_data_dir())


def chosen_by() -> str:
    """The reason for the default folder: "TEEP_DATA_DIR", "project" or "user"."""
    if os.environ.get("TEEP_DATA_DIR"):
        return "TEEP_DATA_DIR"
    return "user" if project_folder() is None else "project"


def default_data_dir() -> Path:
    """`TEEP_DATA_DIR`, else `.teep` in the project's folder, else the user's folder for teep."""
    if chosen := os.environ.get("TEEP_DATA_DIR"):
        return Path(chosen)
    if project := project_folder():
        return project / PROJECT_NAME
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/teep")
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "teep"


def _make_private(path: Path) -> None:
    # An empty folder was made for this. Any other may be someone's home: its mode is theirs to choose, as
    # long as nobody else can plant files in it. The files that we create inside are private by themselves.
    if _is_owned(path) and not any(path.iterdir()):
        path.chmod(0o700)
    _require(path, forbidden=0o022)


def _hide_from_git(path: Path) -> None:
    with contextlib.suppress(FileExistsError), (path / ".gitignore").open("x", encoding="ascii") as file:
        file.write("*\n")


def _socket_for(path: Path) -> Path:
    beside = path / "valkey.sock"
    if len(os.fsencode(beside)) <= SOCKET_PATH_LIMIT:
        return beside
    # Every process must come to the same path, so neither TMPDIR nor XDG_RUNTIME_DIR has a say.
    runtime = Path(f"{RUNTIME}{os.geteuid()}")
    runtime.mkdir(mode=0o700, exist_ok=True)
    _require(runtime, forbidden=0o077)
    from hashlib import sha256  # noqa: PLC0415 - brings OpenSSL, for the few folders that are deep

    return runtime / f"{sha256(os.fsencode(path)).hexdigest()[:16]}.sock"


def _is_owned(path: Path) -> bool:
    status = path.lstat()  # a link that someone put in our place is not followed
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _require(path: Path, *, forbidden: int) -> None:
    if not _is_owned(path):
        raise ConfigurationError(
            f"the folder {path} belongs to another user, so the embedded server does not use it; "
            "set TEEP_DATA_DIR to a folder of your own, with a short path"
        )
    if path.lstat().st_mode & forbidden:
        raise ConfigurationError(f"the folder {path} is open to other users; close it with `chmod 700 {path}`")
