"""What a service manager such as systemd hears of a worker, and of a supervisor."""

import os
import queue
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from teep.worker.health.systemd import Notifier
from tests.worker.fleet import SOON, Fleet


class _Manager:
    """The service manager's end."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        self.environment = {"NOTIFY_SOCKET": address}

    def hear(self, *besides: str) -> str:
        """Return the next thing it is told that is none of `besides`."""
        while (said := self._heard.get(timeout=SOON)) in besides:
            pass
        return said

    def close(self) -> None:
        address = self._socket.getsockname()
        with self._socket, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"", address)
            self._thread.join()

    def _listen(self) -> None:
        while said := self._socket.recv(4096):
            self._heard.put(said.decode())


@pytest.fixture(params=["in a folder", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Manager]:
    manager = _Manager(f"@teep-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify"))
    yield manager
    manager.close()


@pytest.fixture
def own_manager(tmp_path: Path) -> Iterator[_Manager]:
    manager = _Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


def test_a_worker_says_that_it_is_ready_lives_and_stops(valkey_fleet: Fleet, manager: _Manager) -> None:
    process = valkey_fleet.spawn(await_up=False, environment=manager.environment | {"WATCHDOG_USEC": "200000"})
    assert manager.hear() == "READY=1"
    assert manager.hear() == manager.hear() == "WATCHDOG=1"
    process.signal(signal.SIGTERM)
    assert manager.hear("WATCHDOG=1") == "STOPPING=1"
    assert process.wait() == 0


@pytest.mark.slow("five processes start one after the other")
@pytest.mark.parametrize("flags", [(), ("--spawn",)], ids=["forks", "spawns"])
def test_a_supervisor_speaks_for_its_workers(
    valkey_fleet: Fleet, flags: tuple[str, ...], own_manager: _Manager
) -> None:
    supervised = valkey_fleet.supervise(2, *flags, environment=own_manager.environment | {"WATCHDOG_USEC": "200000"})
    assert own_manager.hear("WATCHDOG=1") == "READY=1"
    assert own_manager.hear() == "WATCHDOG=1"
    before = list(supervised.workers())
    supervised.process.signal(signal.SIGUSR2)
    supervised.await_workers(2, before)
    # Nobody but the supervisor has said a word, and its new program goes on.
    assert own_manager.hear() == "WATCHDOG=1"
    supervised.process.signal(signal.SIGTERM)
    assert own_manager.hear("WATCHDOG=1") == "STOPPING=1"
    assert supervised.process.wait() == 0


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "2000000"}, 0.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "2000000"}, 1.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 1.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_signs_of_life_are_given_where_they_are_wanted(
    environment: Mapping[str, str], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notifier = Notifier()
    assert notifier.interval == seconds
    assert not environment.keys() & os.environ.keys()
    with notifier.handed_on():
        assert all(os.environ[name] == value for name, value in environment.items())
    assert not environment.keys() & os.environ.keys()


def test_a_manager_that_is_gone_is_told_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    Notifier().ready()
    assert "cannot be told READY=1 at NOTIFY_SOCKET" in caplog.text
