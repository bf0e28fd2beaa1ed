"""Log lines for a person: in colour on a terminal, `key=value` elsewhere, and never a command to a terminal."""

import io
import logging
import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from teep.telling import printable, takes_colour
from teep.worker.logs import log
from teep.worker.logs.fast_lines import LineFormatter
from teep.worker.logs.terminal import TerminalFormatter
from tests.cli.running import COMMAND, environment
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_ESCAPES = re.compile(r"\x1b\[\d+m")
_JID = "0123456789abcdef01234567"
_HOSTILE = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202edeliver\r"


class _Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "variables", "colour"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], colour: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert takes_colour(_Stream(terminal=terminal)) is colour


def _line(formatter: LineFormatter, text: str, level: str = "INFO", **context: Any) -> str:
    return formatter.line(level, 1_795_903_201.0625, 62, 7, "k3", context, text)


def _plain(line: str) -> str:
    return _ESCAPES.sub("", re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", line, count=1))


@pytest.mark.parametrize(
    ("level", "text", "context", "shown"),
    [
        ("INFO", "start", {"class": "Welcome", "jid": _JID}, f"TIME INFO  Welcome start  jid={_JID} pid=7 tid=k3"),
        ("INFO", "done", {"class": "W", "elapsed": 0.005}, "TIME INFO  W done  5 ms pid=7 tid=k3"),
        ("INFO", "done", {"class": "W", "elapsed": 0.0}, "TIME INFO  W done  <1 ms pid=7 tid=k3"),
        ("INFO", "done", {"class": "W", "elapsed": 12.34}, "TIME INFO  W done  12.3 s pid=7 tid=k3"),
        ("INFO", "moved", {"elapsed": "own"}, "TIME INFO  moved  elapsed=own pid=7 tid=k3"),
        ("WARNING", "mind", {"tags": ["a", "b"]}, "TIME WARN  mind  tags=a,b pid=7 tid=k3"),
        ("ERROR", "one\ntwo", {}, "TIME ERROR one  pid=7 tid=k3\ntwo"),
        ("INFO", "done", {"class": "a\nb"}, "TIME INFO  a\\nb done  pid=7 tid=k3"),
    ],
)
def test_what_matters_comes_first(level: str, text: str, context: dict[str, Any], shown: str) -> None:
    assert _plain(_line(TerminalFormatter(), text, level, **context)) == shown


def test_levels_differ_in_colour_and_failures_are_red() -> None:
    lines = {level: _line(TerminalFormatter(), "text", level) for level in ("INFO", "WARNING", "ERROR", "CRITICAL")}
    assert "\x1b[32mINFO " in lines["INFO"]
    assert "\x1b[33mWARN " in lines["WARNING"]
    assert all("\x1b[31mtext\x1b[0m" in lines[level] for level in ("ERROR", "CRITICAL"))
    assert all(line.endswith("\x1b[0m") for line in lines.values())


@pytest.mark.parametrize("formatter", [TerminalFormatter(), log.PrettyFormatter()], ids=["terminal", "pipe"])
def test_no_command_to_the_terminal_gets_through(formatter: LineFormatter) -> None:
    error = ValueError(_HOSTILE)
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed: %s", (_HOSTILE,), (type(error), error, None))
    record.__dict__["teep"] = {"class": _HOSTILE, "tags": [_HOSTILE], _HOSTILE: 1}
    record.__dict__["tid"] = "k3"
    lines = _ESCAPES.sub("", formatter.format(record)) if formatter.__class__ is TerminalFormatter else None
    text = formatter.format(record) if lines is None else lines
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert text.count("\\x1b[2J") == 5
    assert "\\u202edeliver\\r" in text


def test_what_is_shown_keeps_lines_tabs_and_letters() -> None:
    assert printable("a\tb\nc grün ✓ 漢字 🎉") == "a\tb\nc grün ✓ 漢字 🎉"
    assert printable("\x1b[31m\x00\x7f\x85") == "\\x1b[31m\\x00\\x7f\\x85"


@contextmanager
def _in_a_terminal(fleet: Fleet, **variables: str) -> Iterator[list[bytes]]:
    """Run a worker whose standard error is a terminal; what comes there is in the list, also after the end."""
    reader, writer = pty.openpty()
    command = [*COMMAND, "worker", "tests.worker.jobs"]
    shown: list[bytes] = []
    url = {"REDIS_URL": fleet.server.url, "TERM": "xterm", **variables}
    with subprocess.Popen(command, env=environment(**url), stderr=writer, stdin=subprocess.DEVNULL) as worker:
        os.close(writer)
        reading = threading.Thread(target=_read, args=(reader, shown))
        reading.start()
        try:
            yield shown
        finally:
            worker.terminate()
            worker.wait(SOON)
            reading.join(SOON)
            os.close(reader)


def _read(reader: int, shown: list[bytes]) -> None:
    try:
        while some := os.read(reader, 65_536):
            shown.append(some)
    except OSError:  # the other end is closed
        pass


@pytest.mark.slow("a worker starts, in an interpreter of its own")
@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}], ids=["colour", "plain"])
def test_a_worker_in_a_terminal(valkey_fleet: Fleet, variables: dict[str, str]) -> None:
    with _in_a_terminal(valkey_fleet, **variables) as shown:
        jid = valkey_fleet.push("No\x1b[5mSuch")
        wait_until(lambda: b"failed (try" in b"".join(shown), SOON, lambda: str(shown))
    text = b"".join(shown).decode()
    (line,) = (line for line in text.splitlines() if jid in line and "failed" in line)
    assert "No\\x1b[5mSuch" in line
    assert "\x1b[5m" not in text
    if variables:
        assert "\x1b" not in text
        assert re.match(rf"ERROR \S+Z pid=\d+ tid=\w+ class=\S+ jid={jid} elapsed=", line)
    else:
        assert re.match(r"\x1b\[2m\d\d:\d\d:\d\d\.\d{3}\x1b\[0m \x1b\[31mERROR\x1b\[0m \x1b\[1mNo", line)
