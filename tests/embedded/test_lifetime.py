"""One server a folder; it runs while anyone uses it, and no longer."""

import fcntl
import os
import signal
from pathlib import Path

import pytest

from teep.embedded import acquire, keeper
from tests.support.processes import lives

from .conftest import Users, eventually, processes


@pytest.mark.slow("twenty processes start at once")
def test_twenty_processes_at_once_get_one_server(folder: Path, join: Users) -> None:
    coming = [join.coming(folder) for _ in range(20)]
    servers = {user.joined().server for user in coming}
    assert len(servers) == 1
    # One server, one keeper, one standby: the latter may still be on its way.
    eventually(lambda: len(processes(folder)) == 3)
    assert len(processes(folder, "first")) == len(processes(folder, "standby")) == 1
    assert "there is a keeper already" not in (folder / "server.log").read_text()


def test_two_folders_have_two_servers(tmp_path: Path, join: Users) -> None:
    one, other = join(tmp_path / "one"), join(tmp_path / "other")
    assert one.server != other.server
    with one.redis() as first, other.redis() as second:
        first.set("key", "one")
        assert second.get("key") is None


@pytest.mark.slow("it looks for longer than an unused server lives")
def test_the_server_outlives_its_starter(folder: Path, join: Users) -> None:
    starter, other = join(folder), join(folder)
    starter.kill(signal.SIGINT)  # as Ctrl-C does, to the terminal's whole foreground group
    # Longer than an unused server would live.
    with pytest.raises(TimeoutError, match="not within"):
        eventually(lambda: not lives(other.server), seconds=keeper.LINGER + 1)
    assert other.answers()
    assert os.getsid(other.server) not in {starter.process.pid, other.process.pid, os.getsid(0)}


@pytest.mark.slow("an unused server lives for two seconds")
def test_it_stops_when_nobody_uses_it(folder: Path, join: Users) -> None:
    user = join(folder)
    user.leave()
    eventually(lambda: not processes(folder))
    assert not lives(user.server)
    assert not (folder / "valkey.sock").exists()


@pytest.mark.slow("an unused server lives for two seconds")
def test_it_stops_when_its_users_are_killed(folder: Path, join: Users) -> None:
    users = [join(folder) for _ in range(3)]
    for user in users:
        user.kill()
    eventually(lambda: not processes(folder))


@pytest.mark.slow("an unused server lives for two seconds")
def test_it_stops_though_its_starter_blocked_and_ignored_signals(folder: Path, join: Users) -> None:
    signals = "{signal.SIGTERM, signal.SIGCHLD}"
    ignore = "signal.signal(signal.SIGCHLD, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    user = join(folder, prelude=f"signal.pthread_sigmask(signal.SIG_BLOCK, {signals}); {ignore}")
    user.leave()
    eventually(lambda: not processes(folder), seconds=keeper.LINGER + keeper.PATIENCE / 2)


def test_command_after_command_finds_the_same_server(folder: Path, join: Users) -> None:
    servers: set[int] = set()
    for _ in range(5):
        user = join(folder)
        user.leave()
        servers.add(user.server)
    assert len(servers) == 1


@pytest.mark.slow("an unused server lives for two seconds")
def test_data_survives_stop_and_start(folder: Path, join: Users) -> None:
    first = join(folder)
    with first.redis() as client:
        client.set("key", "value")
    first.leave()
    eventually(lambda: not processes(folder))
    second = join(folder)
    assert second.server != first.server
    with second.redis() as client:
        assert client.get("key") == "value"


@pytest.mark.slow("an unused server lives for two seconds")
def test_who_comes_while_it_stops_gets_the_next_server(folder: Path, join: Users) -> None:
    last = join(folder)
    eventually(lambda: bool(processes(folder, "standby")))
    os.kill(last.server, signal.SIGSTOP)
    last.leave()
    # The keeper ends its standby before it stops the server, which now cannot hear.
    eventually(lambda: not processes(folder, "standby"))
    newcomer = join.coming(folder)
    users = keeper.open_lock(str(folder), "users.lock")
    assert not keeper.try_lock(users, fcntl.LOCK_SH), "could have got the server that is about to stop"
    os.close(users)
    os.kill(last.server, signal.SIGCONT)
    assert newcomer.joined().server != last.server
    assert newcomer.answers()


@pytest.mark.slow("it looks for longer than an unused server lives")
def test_leases_of_a_process_are_counted(folder: Path, join: Users) -> None:
    other = join(folder)
    with acquire(folder) as lease, acquire(folder) as again:
        other.leave()
        assert lease.url == again.url
        assert lease.pid == again.pid == other.server
        assert lease.data_dir == folder.resolve()
        lease.release()
        lease.release()  # which must not give up the other's share
        with pytest.raises(TimeoutError, match="not within"):
            eventually(lambda: not lives(other.server), seconds=keeper.LINGER + 1)
    eventually(lambda: not processes(folder))


@pytest.mark.slow("it looks for longer than an unused server lives")
def test_a_fork_keeps_the_lease_of_its_parent(folder: Path, join: Users) -> None:
    fork = """
import teep.embedded
lease = teep.embedded.acquire(Path(sys.argv[1]))
reader, writer = os.pipe()
if child := os.fork():
    os.close(writer)
    lease.release()
    os.read(reader, 1)  # until the child dies
else:
    os.close(reader)
    with teep.embedded.acquire(Path(sys.argv[1])):
        pass  # a release in the child, which has another share
    signal.pause()
"""
    parent = join.coming(folder, prelude=fork.replace("signal.pause()", "print('here', flush=True); signal.pause()"))
    eventually(lambda: bool(processes(folder, "standby")))
    with pytest.raises(TimeoutError, match="not within"):
        eventually(lambda: not processes(folder), seconds=keeper.LINGER + 1)
    parent.kill()
    eventually(lambda: not processes(folder))


@pytest.mark.slow("an unused server lives for two seconds")
def test_programs_that_a_user_starts_do_not_keep_the_server(folder: Path, join: Users) -> None:
    start = "import subprocess; acquire_first = __import__('teep.embedded').embedded.acquire(Path(sys.argv[1]));"
    user = join(folder, prelude=start + "subprocess.Popen(['sleep', '60'], stdout=2, close_fds=False)")
    user.process.kill()
    eventually(lambda: not processes(folder))
    user.kill()  # what it started, which was still there
