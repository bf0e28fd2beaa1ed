"""Deploy marks: Sidekiq's keys to the byte, one mark a label and minute, and a label from git."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import teep
from teep.api import NoDeployLabel
from teep.config import overridden
from tests.api.sides import Side
from tests.support import golden

AT = datetime(2026, 11, 24, 2, 30, 42, 390_000, tzinfo=UTC)
DAY = date(2026, 11, 24)
LABEL = "abc123 first deploy"
MARKS, LOCK = "20261124-marks", f"deploylock-{LABEL}"


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in git's place, the only program there is."""
    script = tmp_path / "git"
    script.write_text(f'#!/bin/sh\n[ "$*" = "log -1 --format=%h %s" ] && echo "{LABEL}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return script


@pytest.mark.parametrize("version", ["7.3.10", "8.1.7"])
def test_a_mark_is_written_as_sidekiq_writes_it(side: Side, version: str) -> None:
    assert side.run(side.Deploy().mark(LABEL, AT)) is True
    recorded = golden.load(version, "27-deploy-mark")
    command = side.server.command
    assert sorted(command("KEYS", "*")) == sorted(key.encode() for key in recorded.types)
    assert command("HGETALL", MARKS) == recorded.hashes[MARKS]
    assert command("GET", LOCK) == recorded.strings[LOCK]
    for key in (MARKS, LOCK):
        assert command("PTTL", key) == pytest.approx(recorded.ttls[key], abs=5_000)


@pytest.mark.parametrize("version", ["7.3.10", "8.1.7"])
def test_a_days_marks_are_read(side: Side, version: str) -> None:
    golden.restore(side.server, golden.load(version, "27-deploy-mark"))
    assert side.run(side.Deploy().fetch(DAY)) == {"2026-11-24T02:30:00Z": LABEL}
    assert side.run(side.Deploy().fetch(date=date(2026, 11, 25))) == {}


def test_a_label_is_marked_once_a_minute(side: Side) -> None:
    deploy = side.Deploy()
    assert side.run(deploy.mark(LABEL, AT))
    assert not side.run(deploy.mark(LABEL, AT))
    assert not side.run(deploy.mark(LABEL, AT.timestamp() + 60))
    side.server.command("DEL", LOCK)  # as it does by itself after a minute
    assert side.run(deploy.mark(LABEL, AT.timestamp() + 60))
    assert side.run(deploy.fetch(DAY)) == {"2026-11-24T02:30:00Z": LABEL, "2026-11-24T02:31:00Z": LABEL}


def test_a_minute_keeps_its_first_label(side: Side) -> None:
    assert side.run(side.Deploy().mark(label="first", at=AT))
    assert not side.run(side.Deploy().mark(label="second", at=AT))
    assert side.run(side.Deploy().fetch(DAY)) == {"2026-11-24T02:30:00Z": "first"}


def test_without_a_time_it_is_now(side: Side) -> None:
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    assert side.run(side.Deploy().mark("v1 ☃"))
    marks = side.run(side.Deploy().fetch()) | side.run(side.Deploy().fetch(before.date()))  # midnight may pass
    [(stamp, label)] = marks.items()
    assert label == "v1 ☃"
    assert before <= datetime.fromisoformat(stamp) <= datetime.now(UTC)


@pytest.mark.usefixtures("git")
def test_without_a_label_git_tells_it(side: Side) -> None:
    assert side.run(side.Deploy().mark(at=AT))
    assert side.run(side.Deploy().fetch(DAY)) == {"2026-11-24T02:30:00Z": LABEL}


def test_where_git_fails_a_sentence_says_what_to_do(side: Side, git: Path) -> None:
    git.write_text("#!/bin/sh\necho 'fatal: not a git repository' >&2\nexit 128\n")
    with pytest.raises(NoDeployLabel, match=r"fatal: not a git repository\); pass label="):
        side.run(side.Deploy().mark())
    git.unlink()
    with pytest.raises(NoDeployLabel, match=r"No such file.*'git'\); pass label="):
        side.run(side.Deploy().mark())
    assert side.server.command("DBSIZE") == 0


def test_by_class_it_marks_with_the_process_wide_configuration(side: Side) -> None:
    with overridden(side.config):
        assert side.run(side.kind("Deploy").mark("by class", AT))
    assert side.run(side.Deploy().fetch(DAY)) == {"2026-11-24T02:30:00Z": "by class"}


def test_the_method_tells_what_it_does() -> None:
    assert "git log" in (teep.Deploy.mark.__doc__ or "")
    assert teep.Deploy.mark.__name__ == teep.AsyncDeploy.mark.__name__ == "mark"
