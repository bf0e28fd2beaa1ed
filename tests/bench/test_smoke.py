"""The harness runs whole, on the one system that needs nothing but this project; speed is not tested."""

import re
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer import Typer
from typer.testing import CliRunner

from bench.__main__ import main
from bench.api.operations import operations
from bench.comparison import Comparison, compare
from bench.errors import BenchError
from bench.marks import Marks
from bench.registry import Selection, select
from bench.server import Server
from bench.system import SidekiqFormat
from bench.throughput import Throughput

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


def run(selection: Selection, directory: Path) -> Comparison:
    with Server(directory) as server:
        return compare(Throughput(2000), selection, 1, server, Console(quiet=True))


def test_a_run_writes_all_parts_into_one_page(tmp_path: Path) -> None:
    app = Typer()
    app.command()(main)
    target = tmp_path / "figures.md"
    command = ["--only", "floor-batch", "--jobs", "2000", "--scale", "0.002", "--rounds", "1"]
    result = CliRunner().invoke(app, [*command, "--markdown", str(target)])
    assert result.exit_code == 0, result.output
    text = target.read_text(encoding="utf-8")
    assert text.startswith("# Benchmarks\n")
    assert re.search(r"^- 20\d\d-.* UTC; \d+ cores, .* GiB", text, re.MULTILINE)
    assert re.search(r"^- valkey \d.*, python .*, ruby .*, sidekiq 6.*, teep at ", text, re.MULTILINE)
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == [
        "No-op jobs a second of one process",
        "The data API beside Sidekiq's",
    ]
    tables = [[line for line in part.splitlines() if line.startswith("|")] for part in text.split("\n## ")[1:]]
    assert [len(table) for table in tables] == [3, 2 + len(operations())]
    for table in tables:
        assert len({line.count("|") for line in table}) == 1
    # On the terminal nothing is cut off or wrapped.
    assert "…" not in result.output
    assert all(operation.title in result.output for operation in operations(0.002))


def test_a_reading_counts_what_the_jobs_cost(tmp_path: Path) -> None:
    (reading,) = run(select(["floor-batch"]), tmp_path).readings["floor-batch"]
    assert reading.keys() == {"rate", "cpu", "redis_cpu", "commands", "octets", "rss", "loop"}
    assert reading["rate"] > 0
    # EVALSHA and the three commands in it for 1,000 jobs, and a few that do not depend on the number of jobs.
    assert reading["commands"] < 0.1


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
def test_a_broken_system_gets_no_figure(program: str, complaint: str, tmp_path: Path) -> None:
    broken = SidekiqFormat("broken", (sys.executable, "-c", program), "NoopJob")
    with pytest.raises(BenchError, match=complaint):
        run(Selection([broken], []), tmp_path)


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
