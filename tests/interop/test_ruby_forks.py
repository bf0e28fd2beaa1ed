"""A fork of a Sidekiq's server of forks is what a Ruby that has just started would be."""

import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.interop import ruby_forks
from tests.interop.sidekiqs import Sidekiq

_PROGRAM = str(Path(__file__).parent / "ruby" / "asking.rb")
_URL = "redis://127.0.0.1:1/5"


def forked(sidekiq: Sidekiq, *arguments: str) -> tuple[int, str, str]:
    with TemporaryFile("w+") as given, TemporaryFile("w+") as printed, TemporaryFile("w+") as complaints:
        given.write("given")
        given.seek(0)
        files = given.fileno(), printed.fileno(), complaints.fileno()
        code = ruby_forks.start(sidekiq, ["ruby", _PROGRAM, *arguments], _URL, files).wait(30)
        for file in (printed, complaints):
            file.seek(0)
        return code, printed.read(), complaints.read()


def fresh(sidekiq: Sidekiq, *arguments: str) -> tuple[int, str, str]:
    command, environment = sidekiq.command("ruby", _PROGRAM, *arguments), sidekiq.environment(_URL)
    done = subprocess.run(command, env=environment, input="given", capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("how", "code"), [("0", 0), ("3", 3), ("KILL", -signal.SIGKILL), ("TERM", -signal.SIGTERM)])
def test_it_is_what_a_ruby_that_has_just_started_is(
    sidekiq: Sidekiq, monkeypatch: pytest.MonkeyPatch, how: str, code: int
) -> None:
    monkeypatch.setenv("MINE", "ö")
    one, other = forked(sidekiq, how, "é"), fresh(sidekiq, how, "é")
    assert one[:2] == other[:2]
    assert one[0] == code
    assert _PROGRAM in one[1]


def test_each_draws_numbers_of_its_own(sidekiq: Sidekiq) -> None:
    assert forked(sidekiq, "0")[2] != forked(sidekiq, "0")[2]
