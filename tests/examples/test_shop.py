"""The sample project: its tests pass, and its one command runs the web application and a worker, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.waiting import wait_until

SHOP = Path(__file__).parents[2] / "examples" / "shop"
MAKE = ["make", f"PYTHON={sys.executable}"]


def environment() -> dict[str, str]:
    """Return what a user's shell has: nothing that configures teep, and no `make` around this one."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TEEP_", "REDIS_URL", "MAKE"))}


@pytest.mark.slow("it runs the tests of a whole project")
def test_its_tests_pass() -> None:
    done = subprocess.run(
        [*MAKE, "test"], cwd=SHOP, env=environment(), capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Running:
    """`make run` in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self._make = subprocess.Popen(
                [*MAKE, "run", f"DATA={folder}", f"PORT={self.port}"],
                cwd=SHOP,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def is_up(self) -> bool:
        assert self._make.poll() is None, self.output()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def output(self) -> str:
        return self._output.read_text("utf-8", "replace")

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait for the end."""
        if self._make.poll() is None:
            os.killpg(self._make.pid, signal.SIGINT)
            self._make.wait(60)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    try:
        yield running
    finally:
        running.interrupt()


@pytest.mark.slow("it installs nothing, but starts a web server, a worker and an embedded server")
def test_its_one_command_takes_an_order_and_ships_it(shop: Running) -> None:
    wait_until(shop.is_up, 60, lambda: f"the web application:\n{shop.output()}")
    with httpx2.Client(base_url=f"http://127.0.0.1:{shop.port}") as client:
        client.post("/imports", content="sku,name,stock\napple,Apple,1\n", headers={"content-type": "text/csv"})
        customer = client.post("/customers", json={"email": "ada@example.org"}).json()["id"]

        def ordered() -> int | None:
            response = client.post("/orders", json={"customer_id": customer, "sku": "apple"})
            return response.json()["id"] if response.status_code == 201 else None

        order = wait_until(ordered, 60, lambda: f"the import:\n{shop.output()}")
        tracking = wait_until(
            lambda: client.get(f"/orders/{order}").json()["tracking"], 60, lambda: f"the parcel:\n{shop.output()}"
        )
        assert tracking == "PARCEL-000001"
        steps = {"charge": "succeeded", "invoice": "succeeded", "ship": "succeeded", "settle": "succeeded"}
        wait_until(
            lambda: client.get(f"/orders/{order}/steps").json()["steps"] == {**steps, "review": "pushed"},
            60,
            lambda: f"what follows:\n{shop.output()}",
        )
        assert client.get("/status").json()["scheduled"] == 1

    shop.interrupt()
    output = shop.output()
    assert "Finished server process" in output  # uvicorn's last words
    assert ": bye" in output  # and the worker's
    assert "Traceback" not in output
