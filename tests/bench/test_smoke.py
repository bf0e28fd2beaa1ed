"""The harness runs whole, on the systems that need nothing but this project; speed is not tested."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.__main__ import Part, Run, main
from bench.api.operations import operations
from bench.comparison import Comparison, compare
from bench.errors import BenchError
from bench.marks import Marks
from bench.measure import Measure
from bench.recovery import Recovery
from bench.registry import OURS, Selection, select
from bench.report import Section
from bench.server import Server
from bench.system import System
from bench.throughput import Throughput
from bench.web.pages import pages

FLOOR = OURS[1]
TEEP = next(system for system in OURS if system.name == "teep")

_PRINTS_EVERY_JOB = """
from bench.systems import floor

def noisy(number):
    floor.JOBS[0](number)
    print(number, flush=True)

floor._jobs["Noop"] = noisy
floor.batch(1)
"""
_RUNS_EVERY_JOB_TWICE = """
from bench.systems import floor

def twice(number):
    floor.JOBS[0](number)
    floor.JOBS[0](number)

floor._jobs["Noop"] = twice
floor.batch(1)
"""
_LOSES_A_JOB = """
from bench.systems import floor
floor.Wire().call(b"RPOP", b"queue:default")
floor.batch(1)
"""
_DOES_NOT_STOP = """
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    signal.pause()
"""


def run(measure: Measure, systems: list[System], directory: Path) -> Comparison:
    with Server(directory) as server:
        return compare(measure, Selection(systems, []), 1, server, Console(quiet=True))


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


# Each part by its title, with the rows of its tables.
_PARTS = {
    Part.THROUGHPUT: ("No-op jobs a second of one process", [1]),
    Part.PICKUP: ("A single job for an idle process", [1]),
    Part.ENQUEUE: ("Jobs pushed a second", [1]),
    Part.NAPS: ("Jobs that take 1 ms and 100 ms", [0]),
    Part.DELAY: ("No-op jobs a second with 1 ms of delay", [1]),
    Part.API: ("The data API beside Sidekiq's", [len(operations())]),
    Part.WEB: ("The web page beside Sidekiq's", [len(pages()), 5]),
    Part.PERIODIC: ("Periodic jobs", [0]),
    Part.LIMITS: ("Limits", [24, 12]),
    Part.BATCHES: ("Batches, workflows, results", [12, 5]),
}
_TITLES = {
    Part.API: [operation.title for operation in operations(0.002)],
    Part.WEB: [page.title for page in pages()],
}


@pytest.mark.slow("it measures all of a part once, with few jobs", seconds=6)
@pytest.mark.parametrize("part", _PARTS)
def test_a_part_is_measured_printed_and_written(part: Part, tmp_path: Path) -> None:
    target = tmp_path / "figures.md"
    output = invoke(
        part.value, "--only", "floor-brpop", "--scale", "0.002", "--rounds", "1", "--markdown", str(target)
    )
    head, text = target.read_text(encoding="utf-8").split("\n## ")
    assert head.startswith("# Benchmarks\n")
    title, rows = _PARTS[part]
    assert text.startswith(f"{title}\n")
    assert re.search(r"^- 20\d\d-.* UTC; \d+ cores, .* GiB", text, re.MULTILINE)
    assert re.search(r"^- valkey \d.*, python .*, ruby .*, sidekiq [67].*, teep at ", text, re.MULTILINE)
    assert "failed" not in text
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert [table.count("\n") - 2 for table in tables] == rows
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    # On the terminal nothing is cut off or wrapped.
    assert "…" not in output
    assert all(title in output for title in _TITLES.get(part, []))


def test_by_default_a_run_writes_all_parts_into_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def section(_: Run, part: Part) -> Section:
        return Section(_PARTS[part][0], "", ("", "figure"), [], [])

    monkeypatch.setattr(Run, "section", section)
    target = tmp_path / "figures.md"
    invoke("--only", "floor-brpop", "--markdown", str(target))
    parts = target.read_text(encoding="utf-8").split("\n## ")[1:]
    assert [part.partition("\n")[0] for part in parts] == [title for title, _ in _PARTS.values()]


@pytest.mark.slow("a program pushes, and another one knows the versions")
def test_a_part_measured_anew_leaves_the_others_on_the_page(tmp_path: Path) -> None:
    target = tmp_path / "figures.md"
    target.write_text(
        "# Old\n\n## Another measure\n\nIts table.\n\n## Jobs pushed a second\n\nOld.\n", encoding="utf-8"
    )
    invoke("enqueue", "--only", "teep", "--scale", "0.001", "--rounds", "1", "--markdown", str(target))
    text = target.read_text(encoding="utf-8")
    assert "## Another measure\n\nIts table.\n" in text
    assert text.count("## Jobs pushed a second") == 1
    assert "Old" not in text


def test_a_reading_counts_what_the_jobs_cost(tmp_path: Path) -> None:
    (reading,) = run(Throughput(4000), [FLOOR], tmp_path).readings[FLOOR.name]
    assert reading.keys() == {"rate", "cpu", "redis_cpu", "commands", "octets", "rss", "start", "loop"}
    assert reading["rate"] > 0
    # An LREM a job, and a few commands for 1,000.
    assert 0.9 < reading["commands"] < 10


@pytest.mark.slow("two workers start, of which one is killed")
def test_jobs_that_ran_when_their_process_was_killed_run_again(tmp_path: Path) -> None:
    (reading,) = run(Recovery(60), [TEEP], tmp_path).readings["teep"]
    assert reading["jobs"] == 10


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(BenchError, match="no system is called nonesuch; there are floor-threads"):
        select(["nonesuch"])


def test_a_peer_that_cannot_be_installed_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("bench.environments._CACHE", tmp_path / "file")
    selection = select(["celery", "teep"])
    assert [system.name for system in selection.systems] == ["teep"]
    assert re.match(r"celery is left out: it can't be installed: .*Not a directory", selection.missing[0])


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("raise SystemExit('no such queue')", "ended with status 1: no such queue"),
        (_PRINTS_EVERY_JOB, "it prints while it is measured:"),
        (_RUNS_EVERY_JOB_TWICE, "0 jobs were lost and 220 run more than once; the first is 0"),
    ],
)
def test_a_broken_system_gets_no_figure_and_stops_no_other(program: str, complaint: str, tmp_path: Path) -> None:
    broken = System("broken", (sys.executable, "-c", program))
    comparison = run(Throughput(200), [broken, FLOOR], tmp_path)
    assert comparison.readings.keys() == {FLOOR.name}
    assert complaint in comparison.failures["broken"]
    section = comparison.section()
    assert [row[:2] for row in section.rows][1] == ["broken", "failed"]
    assert {len(row) for row in section.rows} == {len(section.headings)}


def test_a_system_that_stands_still_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.visit._STALL_SECONDS", 1.0)
    losing = System("losing", (sys.executable, "-c", _LOSES_A_JOB))
    assert "1 jobs have not run" in run(Throughput(200), [losing], tmp_path).failures["losing"]


def test_a_system_that_stands_still_and_does_not_stop_is_blamed_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.visit._STALL_SECONDS", 0.5)
    monkeypatch.setattr("bench.process._STOP_SECONDS", 0.1)
    deaf = System("deaf", (sys.executable, "-c", _DOES_NOT_STOP))
    assert "1 jobs have not run" in run(Throughput(200), [deaf], tmp_path).failures["deaf"]


def test_a_system_that_should_log_must(tmp_path: Path) -> None:
    silent = replace(FLOOR, lines_a_job=2)
    assert "it printed 0 lines for" in run(Throughput(200), [silent], tmp_path).failures[FLOOR.name]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"\1\0\1", "1 jobs were lost and 0 run more"), (b"\2\0\1", "1 jobs were lost and 1 run more")],
)
def test_lost_and_doubled_jobs_are_found(tmp_path: Path, content: bytes, complaint: str) -> None:
    marks = Marks(tmp_path / "marks", 3)
    with (tmp_path / "marks").open("r+b") as file:
        file.write(content)
    with pytest.raises(BenchError, match=complaint):
        marks.check()
    marks.close()
