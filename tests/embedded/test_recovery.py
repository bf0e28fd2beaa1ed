"""What was killed, left over or damaged is no obstacle."""

import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

from teep.embedded import acquire, keeper
from teep.errors import EmbeddedServerError
from tests.support.processes import lives

from .conftest import Users, eventually, processes


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_killed_server_comes_back_with_its_data(folder: Path, join: Users) -> None:
    user = join(folder)
    with user.redis() as client:
        client.set("key", "value")
    kill([user.server])
    eventually(lambda: not lives(user.server) and user.answers())
    with user.redis() as client:
        assert client.get("key") == "value"
    assert join(folder).server != user.server


def test_a_server_that_keeps_dying_is_given_up_until_the_next_user(folder: Path, join: Users) -> None:
    user = join(folder)
    with acquire(folder) as lease:
        for _ in range(keeper.RESTARTS):
            killed = lease.pid
            kill([killed])
            eventually(lambda killed=killed: user.answers() and lease.pid != killed)  # type: ignore[misc]
        kill([lease.pid])
        eventually(lambda: not processes(folder))
    assert "giving up" in (folder / "server.log").read_text()
    join(folder)
    assert user.answers()


@pytest.mark.slow("a server lingers for two seconds after its last user")
def test_a_killed_keeper_is_replaced_while_the_server_runs_on(folder: Path, join: Users) -> None:
    user = join(folder)
    for _ in range(2):
        eventually(lambda: len(processes(folder)) == 3)
        # Of the two, the keeper is the parent of the standby: the one that came first.
        kill([min(set(processes(folder)) - {user.server})])
        eventually(lambda: bool(processes(folder, "standby")))
        assert user.answers()
    assert join(folder).server == user.server
    kill([user.server])
    eventually(lambda: not lives(user.server) and user.answers())


@pytest.mark.slow("an unused server lives for two seconds")
def test_the_replaced_keeper_stops_the_server_too(folder: Path, join: Users) -> None:
    user = join(folder)
    eventually(lambda: bool(processes(folder, "standby")))
    kill(processes(folder, "first"))
    user.leave()
    eventually(lambda: not processes(folder))


@pytest.mark.slow("an unused server lives for two seconds")
def test_a_server_without_any_keeper_is_adopted(folder: Path, join: Users) -> None:
    user = join(folder)
    with user.redis() as client:
        client.set("key", "value")
    eventually(lambda: bool(processes(folder, "standby")))
    kill(processes(folder, "standby") + processes(folder, "first"))
    user.kill()
    assert lives(user.server)
    heir = join(folder)
    assert heir.server == user.server
    heir.leave()
    eventually(lambda: not processes(folder))


@pytest.mark.slow("a server lingers for two seconds after its last user")
def test_stale_files_are_no_obstacle(folder: Path, join: Users) -> None:
    first = join(folder)
    first.kill()
    kill([*processes(folder, "standby"), *processes(folder, "first"), first.server])
    eventually(lambda: not processes(folder))
    (folder / "valkey.sock").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(folder / "valkey.sock"))
    (folder / "server.pid").write_text(f"{os.getpid()}\n")  # not to be killed
    second = join(folder)
    assert second.answers()
    second.leave()
    eventually(lambda: not processes(folder))


def test_a_lost_socket_file_is_made_again(folder: Path, join: Users) -> None:
    user = join(folder)
    (folder / "valkey.sock").unlink()
    eventually(user.answers)


@pytest.mark.parametrize("name", ["data", "long" * 30])  # with the socket inside, and elsewhere
def test_the_server_goes_with_its_folder(name: str, tmp_path: Path, join: Users) -> None:
    folder = tmp_path / name
    user = join(folder)

    def removed() -> bool:
        shutil.rmtree(folder, ignore_errors=True)  # the server may write a file in the midst of it
        return not folder.exists()

    eventually(removed)
    eventually(lambda: not processes(folder) and not lives(user.server))
    assert not user.answers()
    assert join(folder).answers()


@pytest.mark.slow("an unused server lives for two seconds")
def test_a_truncated_append_only_file_is_loaded_up_to_the_damage(folder: Path, join: Users) -> None:
    first = join(folder)
    with first.redis() as client:
        client.set("whole", "1")
        client.set("torn", "2" * 1000)
    first.leave()
    eventually(lambda: not processes(folder))
    (incremental,) = (folder / "appendonlydir").glob("*.incr.aof")
    os.truncate(incremental, incremental.stat().st_size - 500)
    with join(folder).redis() as client:
        assert client.mget("whole", "torn") == ["1", None]


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    (folder / "appendonlydir").mkdir(parents=True)
    (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(EmbeddedServerError, match=r"did not start(?s:.*)server\.log:(?s:.*)nonsense"):
        acquire(folder)
    assert not processes(folder)
