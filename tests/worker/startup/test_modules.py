"""The modules that a worker is given: which name is none, which cannot be imported, and which have no jobs."""

import subprocess
import sys
from pathlib import Path

import pytest

from teep.errors import ConfigurationError, ModuleImportError
from teep.worker.startup.modules import jobs_of, load, load_all, without_jobs
from tests.worker.fleet import Fleet

_JOBS = """
import teep

@teep.job(queue="mailers")
def welcome(): ...

@teep.job
def fetch(): ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_registry: None) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(folder: Path, name: str, code: str) -> str:
    (folder / f"{name}.py").write_text(code, "utf-8")
    return name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("jobs.py", "such as jobs"), ("./jobs.py", "such as jobs"), ("app/jobs.py", "such as app.jobs"),
        ("app\\jobs", "such as app.jobs"), (".jobs", "such as jobs"), ("app..jobs", "such as app.jobs"),
        ("", "such as app.jobs"), ("/", "such as app.jobs"), ("no_such_module", "from the folder it lies in"),
        ("no_such_package.jobs", "from the folder it lies in"),
    ],
)  # fmt: skip
def test_a_name_that_is_no_module_is_told_with_the_one_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^there is no module {name!r}; ".replace("\\", "\\\\")) as caught:
        load(name)
    assert str(caught.value).endswith(meant)
    assert not isinstance(caught.value, ModuleImportError)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import modules_lacking_one", "ModuleNotFoundError: No module named 'modules_lacking_one'"),
        ("import modules_lacking.part", "ModuleNotFoundError: No module named 'modules_lacking.part'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError: "),
    ],
)
def test_a_module_that_fails_is_told_with_its_own_error(code: str, told: str, folder: Path) -> None:
    name = write(folder, "modules_lacking", code)
    with pytest.raises(ModuleImportError) as caught:
        load(name)
    assert str(caught.value).startswith(f"modules_lacking cannot be imported: {told}")
    assert type(caught.value.__cause__).__name__ == told.partition(":")[0]


def test_what_a_module_brings_along_is_its_own(folder: Path) -> None:
    write(folder, "modules_inner", _JOBS)
    outer = write(folder, "modules_outer", "import modules_inner")
    empty = write(folder, "modules_empty", "")
    load_all([outer, empty])
    assert [job.name for job in jobs_of([outer])] == ["modules_inner.fetch", "modules_inner.welcome"]
    assert without_jobs([outer, empty]) == [empty]


def test_modules_without_any_job_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^no job is defined in modules_bare; "):
        load_all([write(folder, "modules_bare", "")])


def test_the_command_shows_the_modules_own_frames_only(folder: Path) -> None:
    write(folder, "modules_broken", "def fail():\n    1 / 0\n\nfail()\n")
    command = [sys.executable, "-m", "teep", "worker", "modules_broken"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    first, *trace = run.stderr.splitlines()
    assert first == "teep: modules_broken cannot be imported: ZeroDivisionError: division by zero"
    assert [line for line in trace if line.startswith("  File")] == [
        f'  File "{folder / "modules_broken.py"}", line 4, in <module>',
        f'  File "{folder / "modules_broken.py"}", line 2, in fail',
    ]


def test_a_worker_says_what_it_serves_and_where_its_redis_is(valkey_fleet: Fleet, folder: Path) -> None:
    write(folder, "modules_told", _JOBS)
    write(folder, "modules_idle", "")
    url = valkey_fleet.server.url.replace("127.0.0.1", "user:secret@127.0.0.1")
    valkey_fleet.server.command("ACL", "SETUSER", "user", "on", ">secret", "~*", "&*", "+@all")
    program = ("teep", "worker", "modules_told", "modules_idle")
    process = valkey_fleet.spawn("-c", "1", program=program, path=folder, environment={"REDIS_URL": url})
    process.wait_for_log("runs default, mailers with concurrency 1")
    process.wait_for_log("2 jobs of modules_told (none in modules_idle); Redis: redis://user:***@127")
    assert "secret" not in process.log
