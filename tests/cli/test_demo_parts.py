"""The parts of the demo that can be looked at alone."""

import io
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

import teep
from teep.demo import files, results, stage
from teep.demo.analysis import Counts, count
from teep.demo.api import glance
from teep.demo.api.show import Typist
from teep.demo.fleet.crash import Crash
from teep.demo.fleet.screen import Look, Screen
from teep.demo.waiting import DemoFailed, Witness
from teep.errors import ConfigurationError
from teep.testing.process import WorkerEnded
from tests.support.servers import Server
from tests.support.waiting import wait_until

SOURCE = """import os
from sys import path, argv

class One:
    def method(self):
        if True:
            import json
        else:
            async def inner(): ...
        match self:
            case None:
                class Two: ...
        try:
            pass
        except ValueError:
            def handler(): ...
"""


def test_counts_are_those_of_all_blocks(tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    path.write_text(SOURCE)
    assert count(str(path)) == Counts(lines=16, functions=3, classes=2, imports=3)


def test_the_named_encoding_counts(tmp_path: Path) -> None:
    path = tmp_path / "latin.py"
    path.write_bytes(b"# coding: latin-1\nname = 'caf\xe9'\n")
    assert count(str(path)).lines == 2


def test_the_broken_files_fail_each_in_its_way_until_one_is_mended(tmp_path: Path) -> None:
    broken = files.write_broken(tmp_path / "broken")
    errors: list[str] = []
    for path in broken:
        with pytest.raises((SyntaxError, UnicodeDecodeError)) as caught:
            count(str(path))
        errors.append(f"{caught.type.__name__}: {caught.value}")
    assert [error.partition(" ")[0] for error in errors] == ["SyntaxError:", "UnicodeDecodeError:", "SyntaxError:"]
    assert "unknown encoding" in errors[2]
    files.mend(str(broken[0]))
    assert count(str(broken[0])).functions == 1


def test_what_is_installed_is_no_standard_library(tmp_path: Path) -> None:
    for name in ("json/decoder.py", "ast.py", "site-packages/rich/text.py", "dist-packages/apt.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert files.python_files(tmp_path) == [tmp_path / "ast.py", tmp_path / "json/decoder.py"]


def test_a_link_to_a_file_that_is_not_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "there.py").write_text("")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    assert files.python_files(tmp_path) == [tmp_path / "there.py"]


def test_each_file_goes_to_one_kind_of_job(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.py" for number in range(50)]
    for path in paths:
        path.touch()
    paths[7].write_bytes(b"#" * 100_000)
    shares = files.share_out(paths)
    assert sorted(map(str, paths)) == sorted(chain(*shares))
    assert shares.heavy == [str(paths[7])]
    assert min(map(len, shares)) > 0


def test_results_are_read_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(results.FOLDER, str(tmp_path))
    reader = results.Results(tmp_path)
    reader.refresh()
    assert reader.counts == {}
    results.append("a.py", Counts(1, 2, 3, 4))
    results.append("a.py", Counts(1, 2, 3, 4))
    with results.path_in(tmp_path).open("a") as file:
        file.write('["b.py",12,')
    reader.refresh()
    assert reader.counts == {"a.py": Counts(1, 2, 3, 4)}
    with results.path_in(tmp_path).open("a") as file:
        file.write("5,6,7,8]\n")
    reader.refresh()
    assert reader.counts["b.py"] == Counts(5, 6, 7, 8)
    assert (reader.by_process, reader.repeated) == ({os.getpid(): 2, 12: 1}, 1)


def _look(server: Server, seconds: float, crash: Crash | None = None) -> Look:
    """A look at a fleet without any queue."""
    stats = teep.Stats(config=teep.Config(redis_url=server.url))
    return Look(50, seconds, stats, stats.queue_summaries(), [], Counter(), crash)


def _killed(*, is_over: bool = False) -> Crash:
    known = {"pid": 7, "jobs": 3, "is_over": is_over, "rescued_after": 1.5, "successor": 8}
    return cast("Crash", SimpleNamespace(**known))


def _pictures(looks: Iterable[Look], *, is_terminal: bool) -> list[str]:
    """Return what is printed for each look."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=80, _environ={"TERM": "xterm"})
    pictures = []
    with Screen(console, 100) as screen:
        for look in looks:
            output.seek(0)
            output.truncate()
            screen.show(look)
            pictures.append(output.getvalue())
    return pictures


def test_a_picture_has_all_queues_also_while_they_are_empty(valkey: Server) -> None:
    valkey.flushall()
    (picture,) = _pictures([_look(valkey, 1.0)], is_terminal=True)
    assert re.search(r"heavy +0 +0\.0 s", picture)
    assert re.search(r"light +0 +0\.0 s", picture)


def test_a_picture_is_drawn_at_once_where_it_tells_of_the_crash(valkey: Server) -> None:
    valkey.flushall()
    moments = [(1.0, None), (1.1, None), (1.15, _killed()), (1.2, _killed()), (1.25, _killed(is_over=True))]
    looks = [_look(valkey, seconds, crash) for seconds, crash in moments]
    pictures = _pictures(looks, is_terminal=True)
    assert [bool(picture) for picture in pictures] == [True, False, True, False, True]
    assert "kill -9 7" in pictures[2]
    assert "8 has taken its place" in pictures[4]
    lines = _pictures(looks, is_terminal=False)
    assert [line.count("\n") for line in lines] == [0, 0, 1, 0, 1]


def test_a_signal_waits_until_a_part_is_whole() -> None:
    done: list[str] = []

    def part() -> None:
        with stage._whole():
            signal.raise_signal(signal.SIGINT)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        part()
    assert done == ["whole"]


def test_a_worker_that_ends_is_told_with_its_last_lines(tmp_path: Path, valkey: Server) -> None:
    with stage.fleet(valkey.url.replace("/0", "/99"), tmp_path, 2) as worker:
        assert worker.wait() == 1  # for want of such a database
        with pytest.raises(WorkerEnded, match=r"(?s)status 1;.*no database 99"):
            worker.check()


def test_what_does_not_happen_is_told_with_the_workers_last_lines(tmp_path: Path, valkey: Server) -> None:
    with stage.fleet(valkey.url, tmp_path, 1) as worker:
        worker.wait_until_ready()
        worker.signal(signal.SIGTTIN)
        wait_until(lambda: "thread MainThread" in worker.log, 30, lambda: worker.log)
        with pytest.raises(
            DemoFailed, match=r"(?s)and the impossible did not happen; the worker's last lines:\n.*  File "
        ):
            Witness(worker).wait_until(lambda: False, "the impossible", patience=0)


def test_without_its_library_nothing_is_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "find_spec", lambda _name: None)
    console = Console(width=80, record=True, file=io.StringIO())
    assert glance._first(console) == glance._PLAIN
    assert console.export_text() == "Encrypted arguments need another package: pip install 'teep[encryption]'\n"


def test_without_its_packages_the_web_page_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    run = sys.modules["teep.demo.run"]
    monkeypatch.setattr(run, "find_spec", lambda name: None if name == "uvicorn" else name)
    with pytest.raises(ConfigurationError, match=r"pip install 'teep\[web\]'"):
        run.run(page=True)


def test_what_is_typed_is_what_runs() -> None:
    console = Console(width=40, record=True, file=(tmp := open("/dev/null", "w")))  # noqa: SIM115, PTH123
    Typist(console, {"data": {"key": "value " * 12}}).type_in("""
        size = len(data)
        size
        None
        data
    """)
    tmp.close()
    assert console.export_text().splitlines() == [
        ">>> size = len(data)",
        ">>> size",
        "    1",
        ">>> None",
        ">>> data",
        "    {",
        "      'key': 'value value value value ",
        "      value value value value value ",
        "      value value value '",
        "    }",
    ]
