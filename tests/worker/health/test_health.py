"""`/live` and `/ready`: what they answer, to which requests, and how little it takes."""

import contextlib
import http.client
import logging
import resource
import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

import teep
from teep.config.address import Address
from teep.errors import ConfigurationError
from teep.runtime.service import OnError
from teep.worker.health.endpoint import Endpoint
from teep.worker.health.health import Report
from tests.conftest import ServerFactory
from tests.support.servers import Server, free_port
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.probes import ask

FINE = Report(live=True, ready=True, processes=({"identity": "me"},))
TIRED = Report(live=True, ready=False, why=("tired",))
GONE = Report(live=False, ready=False, why=("gone",))


def fail(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with answering(lambda: FINE) as endpoint:
        yield endpoint


@contextlib.contextmanager
def answering(report: Callable[[], Report], on_error: OnError = fail) -> Iterator[Endpoint]:
    endpoint = Endpoint(Address("127.0.0.1", 0), report, on_error)
    endpoint.start()
    yield endpoint
    endpoint.stop()
    endpoint.close()


def talk(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=SOON) as client:
        client.sendall(sent)
        answer = b""
        while part := client.recv(4096):
            answer += part
    return answer


@pytest.mark.parametrize(("report", "live", "ready"), [(FINE, 200, 200), (TIRED, 200, 503), (GONE, 503, 503)])
def test_the_status_says_it_and_the_body_says_why(report: Report, live: int, ready: int) -> None:
    with answering(lambda: report) as endpoint:
        assert ask(endpoint.port, "/live")[0] == live
        status, body = ask(endpoint.port, "/ready?verbose")
    assert status == ready
    assert body == {
        "live": report.live,
        "ready": report.ready,
        "why": list(report.why),
        "processes": list(report.processes),
    }


def test_several_processes_are_live_and_ready_where_all_are() -> None:
    assert Report.of([FINE, FINE]) == FINE._replace(processes=FINE.processes * 2)
    assert Report.of([FINE, TIRED]) == TIRED._replace(processes=FINE.processes)
    assert Report.of([GONE, TIRED]) == GONE._replace(why=("gone", "tired"))


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/", "GET", 404), ("/live/", "GET", 404), ("/live", "POST", 405), ("/ready", "DELETE", 405)],
)
def test_there_is_nothing_else(endpoint: Endpoint, path: str, method: str, status: int) -> None:
    assert ask(endpoint.port, path, method)[0] == status


def test_head_is_answered_without_a_body(endpoint: Endpoint) -> None:
    head, _, body = talk(endpoint.port, b"HEAD /live HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"Content-Length: " in head
    assert body == b""


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n\r\n", b"\x16\x03\x01\x02\n\n", b"GET\r\n\r\n", b"GET /live HTTP/1.1\r\n" + b"x" * 5000]
)
def test_nonsense_does_not_hurt_it(endpoint: Endpoint, sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=SOON) as client:
        client.sendall(sent)
        with contextlib.suppress(OSError):  # it has had enough
            client.shutdown(socket.SHUT_WR)
    assert ask(endpoint.port, "/live")[0] == 200
    assert not caplog.records


@pytest.mark.slow("a client that says nothing is given up after a second")
def test_clients_that_dawdle_hold_up_no_one_for_long(endpoint: Endpoint) -> None:
    clients = [socket.create_connection(("127.0.0.1", endpoint.port), timeout=SOON) for _ in range(12)]
    started = time.monotonic()
    for client in clients:
        client.sendall(b"GET /live")
    wait_until(lambda: _answers(endpoint.port), SOON, "the endpoint to answer again")
    for client in clients:
        assert _ended(client)
        client.close()
    assert time.monotonic() - started < 10


def _answers(port: int) -> bool:
    try:
        return ask(port, "/live")[0] == 200
    except (OSError, http.client.HTTPException):  # it has no room
        return False


def _ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_an_answer_that_does_not_fit_at_once_is_sent_in_parts() -> None:
    large = FINE._replace(why=tuple("x" * 1000 for _ in range(10_000)))
    with answering(lambda: large) as endpoint:
        assert len(ask(endpoint.port, "/live")[1]["why"]) == 10_000


def test_a_report_that_fails_is_told_and_ends_nothing_else() -> None:
    errors: list[BaseException] = []
    endpoint = Endpoint(Address("127.0.0.1", 0), [].pop, lambda error, _: errors.append(error))
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=SOON) as client:
        client.sendall(b"GET /live HTTP/1.0\r\n\r\n")
        for _ in range(2):  # it comes in, and what it says
            endpoint.answer(SOON)
        assert client.recv(1) == b""
    endpoint.close()
    assert [type(error) for error in errors] == [IndexError]


def test_a_client_that_was_accepted_is_answered_before_it_settles_and_others_wait() -> None:
    endpoint = Endpoint(Address("127.0.0.1", 0), lambda: FINE, fail)
    clients = [socket.create_connection(("127.0.0.1", endpoint.port), timeout=SOON) for _ in range(2)]
    endpoint.answer(SOON)
    for client in clients:
        client.sendall(b"GET /live HTTP/1.0\r\n\r\n")
    endpoint.finish()
    assert clients[0].recv(4096).startswith(b"HTTP/1.0 200")
    assert select.select([clients[1]], [], [], 0)[0] == []
    successor = Endpoint(Address("127.0.0.1", 0), lambda: FINE, fail, endpoint.listener)
    successor.start()
    assert clients[1].recv(4096).startswith(b"HTTP/1.0 200")
    successor.stop()
    for client in clients:
        client.close()
    successor.close()
    endpoint.close()


def test_out_of_descriptors_it_tries_again_but_not_at_once() -> None:
    errors: list[BaseException] = []
    endpoint = Endpoint(Address("127.0.0.1", 0), lambda: FINE, lambda error, _: errors.append(error))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=SOON) as client:
        client.sendall(b"GET /live HTTP/1.0\r\n\r\n")
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno(), before[1]))
        try:
            endpoint.answer(SOON)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert [type(error) for error in errors] == [OSError]
        assert select.select([endpoint], [], [], 0)[0] == []
        endpoint.start()
        assert client.recv(4096).startswith(b"HTTP/1.0 200")
    endpoint.stop()
    endpoint.close()


def test_an_address_that_is_taken_is_said_at_the_start(fleet: Fleet, endpoint: Endpoint) -> None:
    with pytest.raises(ConfigurationError, match=rf"127.0.0.1:{endpoint.port}: .*in use"):
        fleet.start(health=f"127.0.0.1:{endpoint.port}")
    assert not fleet.server.command("EXISTS", "processes")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:7433", ("127.0.0.1", 7433)),
        ("7433", ("127.0.0.1", 7433)),
        (":7433", ("127.0.0.1", 7433)),
        ("0.0.0.0:7433", ("0.0.0.0", 7433)),
        ("[::1]:7433", ("::1", 7433)),
    ],
)
def test_an_address_means_loopback_unless_it_says_otherwise(text: str, address: tuple[str, int]) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "1:2:3", "::1", "x:70000", "x:-1"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="health address"):
        teep.Config(health=text)


def test_a_worker_tells_how_it_is(fleet: Fleet) -> None:
    port = free_port()
    worker = fleet.start(health=str(port), concurrency=2, heartbeat_interval=0.1)
    status, body = ask(port, "/ready")
    assert (status, body["why"]) == (200, [])
    (process,) = body["processes"]
    assert process["identity"] == worker.identity
    assert (process["busy"], process["quiet"], process["seconds_of_outage"]) == (0, False, None)
    assert wait_until(lambda: ask(port, "/ready")[1]["processes"][0]["free"] == 2, SOON, "both slots to be free")
    worker.quiet()
    assert ask(port, "/live")[0] == 200
    status, body = ask(port, "/ready")
    assert (status, body["why"]) == (503, ["it is quiet: no more jobs are taken"])
    worker.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/live")


def test_a_worker_that_loads_its_modules_is_live_and_not_ready(fleet: Fleet) -> None:
    seen: list[int] = []
    port = free_port()
    config = fleet.configure(health=str(port))
    config.on("startup", lambda: seen.extend(ask(port, path)[0] for path in ("/live", "/ready")))
    fleet.start(config)
    assert seen == [200, 503]


@pytest.mark.slow("a worker process starts, and loses Redis for a while")
def test_without_redis_a_worker_is_live_and_not_ready(
    fresh_server: ServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "teep")
    server = fresh_server()
    port = free_port()
    with Fleet(server) as fleet:
        fleet.start(health=str(port), heartbeat_interval=0.2)
        server.kill()
        wait_until(lambda: ask(port, "/ready")[0] == 503, SOON, "it not to be ready")
        status, body = ask(port, "/live")
        assert status == 200
        assert "no connection to Redis" in body["why"][0]
        assert body["processes"][0]["seconds_of_outage"] >= 0
        server.start()
        wait_until(lambda: ask(port, "/ready")[0] == 200, SOON, "it to be ready again")


def test_the_command_takes_an_address(valkey: Server) -> None:
    valkey.flushall()
    port = free_port()
    with Fleet(valkey) as fleet:
        process = fleet.spawn("--health", f"127.0.0.1:{port}")
        wait_until(lambda: ask(port, "/ready")[0] == 200, SOON, "it to be ready")
        second = fleet.spawn("--health", f"127.0.0.1:{port}", await_up=False)
        assert second.wait() == 1
        assert second.log.startswith(f"teep: health checks cannot be answered at 127.0.0.1:{port}: ")
        assert process.stop() == 0
