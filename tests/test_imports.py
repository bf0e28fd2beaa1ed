"""What is loaded when: a program that only pushes pays for nothing else."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.support.servers import Server

# What takes long to load, and few programs need at once.
LATE = ("redis", "hiredis", "asyncio", "ssl", "teep.testing", "click", "rich", "cryptography")

DEFINED = """
import teep

@teep.job(queue="mailers")
def welcome(user_id: int, *, locale: str = "en") -> None: ...

class Import(teep.Job):
    def perform(self, path: str) -> None: ...

teep.configure(redis_url=sys.argv[1])
client, queue, retries = teep.Client(), teep.Queue("mailers"), teep.RetrySet()
"""
PUSHED = """
assert welcome.perform_async(1)
assert [job.args for job in queue] == [[1]]
"""


def loaded(program: str, *arguments: str, without: Sequence[str] = (), of: Sequence[str] = LATE) -> list[str]:
    """Run a program where modules are missing (`without`), and return which of some others it has loaded."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({without!r}))"
    tell = f"print(*[name for name in {of!r} if sys.modules.get(name)])"
    done = subprocess.run(
        [sys.executable, "-c", f"{hide}\n{program}\n{tell}", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_teep_loads_nothing_that_is_not_used() -> None:
    late = (
        *LATE,
        "hashlib",
        "secrets",
        "difflib",
        "multiprocessing",
        "teep.features.history.recorder",
        "teep.api",
    )
    assert loaded("import teep; dir(teep)", of=late) == []


@pytest.mark.parametrize(
    "url", ["redis://localhost:1/0", "unix:///tmp/no.sock", "redis+sentinel://localhost/primary"]
)
def test_a_program_that_has_pushed_nothing_yet_has_not_loaded_redis_py(url: str) -> None:
    assert loaded(DEFINED, url) == []


@pytest.mark.one_server
def test_a_program_that_only_pushes_and_reads_needs_nothing_of_the_command_line(server: Server) -> None:
    missing = ["click", "rich", "cryptography"]
    assert {"redis", "asyncio"} <= set(loaded(DEFINED + PUSHED, server.url, without=missing)) <= set(LATE[:4])


def test_the_pytest_plugin_loads_no_redis_py() -> None:
    # Which brings the package of the test kit along, of teep's own modules only.
    assert set(loaded("import pytest; import teep.testing.plugin")) <= {"asyncio", "ssl", "teep.testing"}


def test_the_test_kit_is_there_without_an_import_of_its_own() -> None:
    assert loaded("import teep; assert 'testing' in dir(teep); teep.testing.fake()") == ["teep.testing"]


def test_there_is_no_other_name() -> None:
    program = "import teep, teep.drivers\nfor module in teep, teep.drivers:\n  assert not hasattr(module, 'tseting')"
    assert loaded(program) == []


def test_a_worker_has_loaded_it_all_before_it_runs_a_job() -> None:
    # A deadline may interrupt a job anywhere, in an import too; and what is forked shares what its parent has loaded.
    drivers = {"teep.drivers.sync", "teep.drivers.aio", "teep.drivers.waiter"}
    assert "redis" in loaded(f"from teep.worker import Worker; assert {drivers} <= set(sys.modules)")


WORKER = """
import gc, sys
from teep.cli import main
sys.argv[1:] = ["worker", "no.such.module"]
try:
    main()
except SystemExit:
    names = (
        "pydantic argparse rich difflib multiprocessing teep.testing teep.demo teep.bench teep.cli.help"
        " teep.features.history.recorder"
    ).split()
    print("teep.worker" in sys.modules, [name for name in names if name in sys.modules])
    print(gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def test_a_worker_loads_nothing_that_only_other_commands_need_and_leaves_it_out_of_collections() -> None:
    # A variable that may be a typo has its nearest name looked up.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEEP_")}
    done = subprocess.run(
        [sys.executable, "-c", WORKER], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("True []\nTrue True\n", 1), done.stderr


@pytest.mark.parametrize("words", [["--help"], ["completion", "bash"]])
def test_a_command_ends_without_a_look_for_garbage(words: list[str]) -> None:
    program = (
        "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count() > 10_000));"
        "from teep.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nTrue\n")


COMMAND = """
import io, os
from teep.cli import main
os.environ["REDIS_URL"], *sys.argv[1:] = sys.argv[1:]
sys.stdout = sys.stderr = io.StringIO()
try:
    main()
except SystemExit:
    pass
sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
"""


@pytest.mark.one_server
@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("looking.stats", ["stats"]),
        ("acting.jobs", ["retry", "dead", "--all", "--yes"]),
        ("acting.cancel", ["cancel", "no"]),
    ],
)
def test_a_command_loads_no_worker_and_no_other_command(server: Server, module: str, words: list[str]) -> None:
    telling = "print(*[name for name in sys.modules if name.startswith(('teep.worker.', 'teep.cli.commands.'))])"
    found = set(loaded(f"{COMMAND}{telling}", server.url, *words, of=["redis"]))
    assert "redis" in found
    folder = module.partition(".")[0]
    assert {name.removeprefix("teep.cli.commands.") for name in found if ".cli." in name} == {"index", folder, module}
    assert {name.split(".")[2] for name in found if name.startswith("teep.worker.")} == {"logs"}


@pytest.mark.parametrize("words", [["--help"], ["worker", "--help"]])
def test_a_help_loads_no_redis_and_nothing_that_draws(words: list[str]) -> None:
    late = ["redis", "asyncio", "rich", "teep.api", "teep.worker", "teep.cli.help"]
    assert loaded(COMMAND, "redis://localhost:1/0", *words, of=late) == ["teep.cli.help"]


def test_the_version_needs_no_more_than_the_parser() -> None:
    program = """
import sys
from teep.cli import main
sys.argv[1:] = ["--version"]
try:
    main()
except SystemExit:
    pass
"""
    printed = loaded(program, of=(*LATE, "hashlib", "difflib", "teep.worker", "teep.cli.help"))
    assert printed[2:] == ["click"]


@pytest.mark.parametrize("missing", ["click", "rich"])
@pytest.mark.parametrize("words", [[], ["--help"], ["worker", "jobs"]])
def test_a_command_without_its_extra_says_so_in_a_sentence(missing: str, words: list[str]) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from teep.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "the teep command needs click and rich: pip install 'teep[cli]'\n"
