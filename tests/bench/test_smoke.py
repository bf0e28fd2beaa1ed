"""The harness runs whole, on the one system that needs nothing but this project; speed is not tested."""

import re
import sys
from pathlib import Path

import pytest
from bench.__main__ import main, run
from bench.errors import BenchError
from bench.marks import Marks
from bench.registry import Selection, select
from bench.system import SidekiqFormat
from bench.throughput import Throughput
from rich.console import Console
from typer import Typer
from typer.testing import CliRunner

_PRINTS_EVERY_JOB = """
import sys
from bench.systems import floor

def noisy(number):
    floor.noop(number)
    print(number, flush=True)

floor._JOBS["NoopJob"] = noisy
sys.argv = ["floor", "batch"]
floor.main()
"""


def test_a_run_reports_one_row_a_system(tmp_path: Path) -> None:
    app = Typer()
    app.command()(main)
    target = tmp_path / "figures.md"
    command = ["--only", "floor-batch", "--jobs", "2000", "--rounds", "1", "--markdown", str(target)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    title, _, headings, rule, row, _, *notes = target.read_text(encoding="utf-8").splitlines()
    assert title.startswith("## No-op jobs")
    assert [heading.strip() for heading in headings.strip("|").split("|")][:3] == [
        "system",
        "jobs/s",
        "x floor-batch",
    ]
    assert row.startswith("| floor-batch |")
    assert headings.count("|") == rule.count("|") == row.count("|")
    assert re.search(r"\d+ cores, .* GiB", notes[0])
    assert "valkey" in notes[1]


def test_a_reading_counts_what_the_jobs_cost() -> None:
    report = run(Throughput(2000), select(["floor-batch"]), 1, Console(quiet=True))
    (reading,) = report.readings["floor-batch"]
    assert reading.keys() == {"rate", "cpu", "redis_cpu", "commands", "octets", "rss", "loop"}
    assert reading["rate"] > 0
    # EVALSHA and the three commands in it for 1,000 jobs, and a few that do not depend on the number of jobs.
    assert reading["commands"] < 0.1
    assert len(report.headings()) == len(report.rows()[0])


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(BenchError, match="no system is called nonesuch; there are floor-batch"):
        select(["nonesuch"])


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("raise SystemExit('no such queue')", "(?s)broken: .* ended with status 1:\nno such queue"),
        (_PRINTS_EVERY_JOB, "broken: it prints while it is measured:"),
    ],
)
def test_a_broken_system_gets_no_figure(program: str, complaint: str) -> None:
    broken = SidekiqFormat("broken", (sys.executable, "-c", program), "NoopJob")
    with pytest.raises(BenchError, match=complaint):
        run(Throughput(2000), Selection([broken], []), 1, Console(quiet=True))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"\1\0\1", "1 jobs were lost and 0 run more"), (b"\2\0\1", "1 jobs were lost and 1 run more")],
)
def test_lost_and_doubled_jobs_are_found(tmp_path: Path, content: bytes, complaint: str) -> None:
    marks = Marks(tmp_path / "marks", 3)
    (tmp_path / "marks").write_bytes(content)
    with pytest.raises(BenchError, match=complaint):
        marks.check()
    marks.close()
