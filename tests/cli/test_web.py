"""`teep web`, started for real and asked over HTTP."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.servers import Server

from .running import COMMAND, environment, teep


@contextmanager
def page(store: Server, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command at a free port; gives the process and the page's address."""
    process = subprocess.Popen(
        [*COMMAND, "web", "--port", "0", "--redis-url", store.url, *arguments],
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        found = re.search(r"^The web page is at (http://\S+); Ctrl-C ends it\.$", said)
        assert found, (said, process.stderr and process.stderr.read())
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow("it starts an interpreter with the whole page")
def test_it_serves_the_page_until_ctrl_c(valkey: Server) -> None:
    valkey.flushall()
    with page(valkey) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        answer = httpx2.get(f"{address}/")
        assert (answer.status_code, "Retries" in answer.text) == (200, True)
        retried = httpx2.post(f"{address}/retries/all/retry", headers={"sec-fetch-site": "same-origin"})
        assert retried.status_code == 200
        # A site whose name was made to lead here is no visitor of this machine's.
        port = address.rpartition(":")[2]
        foreign = httpx2.get(f"{address}/", headers={"host": f"evil.example:{port}"})
        assert (foreign.status_code, "for this machine alone" in foreign.text) == (403, True)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


@pytest.mark.slow("it starts an interpreter with the whole page")
def test_elsewhere_it_asks_for_a_password_and_changes_nothing_if_it_is_read_only(valkey: Server) -> None:
    secret = {"TEEP_WEB_TOKEN": "t0ken"}
    with page(valkey, "--host", "0.0.0.0", "--auth", "ann:secret", "--read-only", **secret) as (_, said):
        address = said.replace("0.0.0.0", "127.0.0.1")
        assert httpx2.get(f"{address}/").status_code == 401
        answer = httpx2.get(f"{address}/", auth=("ann", "secret"))
        assert (answer.status_code, "read-only" in answer.text) == (200, True)
        with_token = {"authorization": "Bearer t0ken", "sec-fetch-site": "same-origin"}
        assert httpx2.post(f"{address}/retries/all/retry", headers=with_token).status_code == 403


@pytest.mark.slow("each starts an interpreter with the whole page")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "ask for a password"),
        (["--auth", "ann"], 'auth must be "user:password"'),
        (["--token", ""], "the token is empty"),
    ],
)
def test_what_is_not_safe_is_refused(arguments: list[str], sentence: str) -> None:
    done = teep("web", *arguments, "--redis-url", "redis://127.0.0.1:1/0")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError(name='starlette')")
    done = subprocess.run(
        [sys.executable, "-m", "teep", "web", "--redis-url", "redis://127.0.0.1:1/0"],
        env=environment(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "teep: the web page needs starlette: pip install 'teep[web]'\n")
