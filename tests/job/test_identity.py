"""A name stands for one job: another one under it is refused, the same one defined again takes its place."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import teep
from teep.errors import InvalidJob
from teep.job.definition import find, forgetting, registered

_HEAD = """
import functools
import teep

def logged(function):
    def wrapper(*args):
        return function(*args)
    return wrapper

def traced(function):
    @functools.wraps(function)
    def wrapper(*args):
        return "traced", function(*args)
    return wrapper

def make(answer):
    return lambda: answer
"""

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module into a folder from which it can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two versions within a second are of one age
    before = set(sys.modules)

    def write(name: str, source: str, head: str = _HEAD) -> None:
        (tmp_path / f"{name}.py").write_text(head + source)
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def run(name: str) -> Any:
    return find(name).run({"args": []})


@pytest.mark.parametrize(
    "source",
    [
        "@teep.job\ndef send(): ...\n@teep.job\ndef send(): ...",
        "@teep.job(name='x')\n@logged\ndef charge(): ...\n@teep.job(name='x')\n@logged\ndef refund(): ...",
        "teep.job(name='x')(make(1))\nteep.job(name='x')(make(2))",
        "teep.job(name='x')(lambda: 1)\nteep.job(name='x')(lambda: 2)",
        "jobs = [teep.job(name='x')(function) for function in (lambda: 1, lambda: 2)]",
        "for number in (1, 2):\n    @teep.job\n    def send(number=number): ...",
        "teep.job(name='x')(functools.partial(print, 1))\nteep.job(name='x')(functools.partial(print, 2))",
        "teep.job(name='x')([].append)\nteep.job(name='x')([1].append)",
        "teep.job(name='x')(print)\nteep.job(name='x')(len)",
        "teep.job(name='x', queue='a')(print)\nteep.job(name='x', queue='b')(print)",
        "class Send(teep.Job):\n    def perform(self): ...\nclass Send(teep.Job):\n    def perform(self): ...",
        "class Base(teep.Job):\n    def perform(self): ...\nfor n in (1, 2): type('Send', (Base,), {'number': n})",
        "class X(teep.Job, name='x'):\n    def perform(self): ...\n@teep.job(name='x')\ndef x(): ...",
    ],
)
def test_two_jobs_of_one_name_are_refused_when_their_module_is_imported(write: Write, source: str) -> None:
    write("shop", source)
    with pytest.raises(InvalidJob, match=r"two jobs have the name '[\w.]+', (both )?at \S+shop.py:\d+") as caught:
        importlib.import_module("shop")
    assert str(caught.value).endswith("; give one of them another name=")


def test_both_places_are_named(write: Write) -> None:
    write(
        "shop",
        "@teep.job(name='x')\n@logged\ndef charge(): ...\n\n@teep.job(name='x')\n@logged\ndef refund(): ...",
        _HEAD,
    )
    first = _HEAD.count("\n") + 1
    with pytest.raises(InvalidJob, match=rf"at \S+shop.py:{first} and \S+shop.py:{first + 4}; give"):
        importlib.import_module("shop")


def test_two_modules_cannot_share_a_name_nor_a_wrapper_hide_it(write: Write) -> None:
    write("decorators", "")
    for module in ("one", "other"):
        write(
            module,
            f"from decorators import logged\n@teep.job(name='x')\n@logged\ndef x(): return {module!r}",
            "import teep\n",
        )
    importlib.import_module("one")
    with pytest.raises(InvalidJob, match=r"at \S+one.py:3 and \S+other.py:3"):
        importlib.import_module("other")
    assert run("x") == "one"


def test_jobs_that_a_factory_makes_under_names_of_their_own(write: Write) -> None:
    write(
        "shop",
        "for n in (1, 2):\n    teep.job(name=f'shop.make_{n}')(make(n))\n@teep.job\n@traced\ndef sent(): return 3",
    )
    importlib.import_module("shop")
    assert (run("shop.make_1"), run("shop.make_2"), run("shop.sent")) == (1, 2, ("traced", 3))


_SHOP = """
from decorators import logged as logs

@teep.job
def send():
    return VERSION

@teep.job(name="logged")
@logs
def write():
    return VERSION

teep.job(name="made")(make("VERSION"))

class Wave(teep.Job):
    def perform(self):
        return VERSION
"""
_JOBS = ["logged", "made", "shop.Wave", "shop.send"]


@pytest.mark.parametrize("above", ["", "\n\n@teep.job(name='new')\ndef new(): ...\n"])
def test_a_reloaded_module_replaces_its_jobs(write: Write, above: str) -> None:
    write("decorators", "")
    write("shop", _SHOP.replace("VERSION", "1"))
    shop = importlib.import_module("shop")
    assert [str(run(name)) for name in _JOBS] == ["1"] * 4
    write("shop", above + _SHOP.replace("VERSION", "2"))
    importlib.reload(shop)
    assert [str(run(name)) for name in _JOBS] == ["2"] * 4
    # Two of one run are still two.
    write("shop", _SHOP + "\nteep.job(name='made')(make('another'))")
    with pytest.raises(InvalidJob, match="two jobs have the name 'made'"):
        importlib.reload(shop)


def test_a_file_that_runs_as_two_modules_defines_its_jobs_once(write: Write, tmp_path: Path) -> None:
    write("decorators", "")
    write("shop", _SHOP.replace("VERSION", "1"))
    importlib.import_module("shop")
    for _ in range(2):  # as a script, as pytest imports a test, as a worker takes one out of `sys.modules`
        copy = ModuleType("shop")
        exec(compile((tmp_path / "shop.py").read_text(), tmp_path / "shop.py", "exec"), vars(copy))
    assert [known.name for known in registered()] == _JOBS
    del sys.modules["shop"]
    importlib.import_module("shop")


def test_a_notebooks_cell_may_run_again_also_edited() -> None:
    notebook = vars(ModuleType("__main__"))
    cell = "import teep\n@teep.job(name='cell')\ndef {name}(): return {number}\n"
    for number, name in enumerate(["f", "f", "g"]):  # a cell's file is named after its text, or its number
        exec(compile(cell.format(name=name, number=number), f"<cell {number}>", "exec"), notebook)
        assert run("cell") == number
    with pytest.raises(InvalidJob, match="two jobs have the name 'loop', both at <cell 9>:2"):
        exec(compile("for n in (1, 2):\n  teep.job(name='loop')(lambda: n)", "<cell 9>", "exec"), notebook)


def test_a_class_with_slots_which_is_made_twice_is_one_job(write: Write) -> None:
    slots = "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass Slim(teep.Job, queue='low'):\n"
    write("shop", slots + "    count: int = 3\n    def perform(self): return self.count")
    shop = importlib.import_module("shop")
    assert shop.Slim.set().to_payload((), {})["queue"] == "low"
    assert run("shop.Slim") == 3


class TestNamesThatNoWorkerFinds:
    @pytest.mark.parametrize(
        ("source", "sentence"),
        [
            (
                "teep.job(lambda: 1)",
                r"shop.<lambda> has no name that a worker could find it by; write a def, or give",
            ),
            ("teep.job()(lambda: 1)", "write a def"),
            (
                "@teep.job\n@logged\ndef charge(): ...",
                r"shop.logged.<locals>.wrapper is made inside .* functools.wraps",
            ),
            (
                "def f():\n    @teep.job\n    def g(): ...\nf()",
                r"shop.f.<locals>.g .*move it to the top of its module",
            ),
            (
                "def f():\n    class G(teep.Job):\n        def perform(self): ...\nf()",
                r"shop.f.<locals>.G is made inside",
            ),
            ("teep.job(functools.partial(print, 1))", r"functools.partial\(.* has no name .* give it a name="),
            ("class Call:\n    def __call__(self): ...\nteep.job(Call())", "has no name that a worker"),
        ],
    )
    def test_are_refused_where_they_are_defined(self, write: Write, source: str, sentence: str) -> None:
        write("shop", source)
        with pytest.raises(InvalidJob, match=sentence):
            importlib.import_module("shop")

    def test_need_one_of_their_own(self, write: Write) -> None:
        source = "class Call:\n    async def __call__(self, a): ...\n"
        write("shop", source + "for n, f in enumerate([lambda a: 1, functools.partial(make, 1), Call()]):\n"
              "    teep.job(name=f'job.{n}')(f)")  # fmt: skip
        importlib.import_module("shop")
        assert [known.is_async for known in registered()] == [False, False, True]


class TestClassesThatCannotRun:
    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            (
                "def __init__(self, path): ...\n    def perform(self): ...",
                "X cannot be made without arguments .*'path'",
            ),
            ("def __new__(cls, *, path): ...\n    def perform(self): ...", "cannot be made without arguments"),
            ("@staticmethod\n    def perform(): ...", "perform of shop.X must be a plain method, .*not staticmethod"),
            ("@classmethod\n    def perform(cls): ...", "must be a plain method, .*not classmethod"),
            ("perform = 5", "must be a plain method, .*not int"),
            ("@property\n    def perform(self): ...", "must be a plain method, .*not property"),
            ("@teep.job\n    def perform(self): ...", r"X.perform is a method, .* teep.Job with the method perform"),
            ("def perform(): ...", "the method of shop.X must take self before what is pushed"),
        ],
    )
    def test_are_refused_where_they_are_defined(self, write: Write, body: str, sentence: str) -> None:
        write("shop", f"class X(teep.Job):\n    {body}")
        with pytest.raises(InvalidJob, match=sentence):
            importlib.import_module("shop")

    def test_also_where_a_decorator_makes_the_init_later(self, write: Write) -> None:
        for slots in (False, True):
            source = f"import dataclasses\n@dataclasses.dataclass(slots={slots})\nclass X(teep.Job):\n    path: str\n"
            write("shop", source + "    def perform(self): ...")
            with pytest.raises(InvalidJob, match="X cannot be made without arguments"):
                importlib.import_module("shop").X.perform_async()
            sys.modules.pop("shop", None)

    def test_bases_may_be_anything(self, write: Write) -> None:
        write("shop", "import abc\nclass Base(teep.Job):\n    def __init__(self, path): ...\n"
              "class Abstract(teep.Job, abc.ABC):\n    def perform(self): return self.step()\n"
              "    @abc.abstractmethod\n    def step(self): ...\n"
              "class Job(Abstract):\n    def step(self): return 5\n")  # fmt: skip
        shop = importlib.import_module("shop")
        assert [known.name for known in registered()] == ["shop.Job"]
        assert run("shop.Job") == 5
        with pytest.raises(InvalidJob, match="Abstract has abstract methods, so it is no job"):
            shop.Abstract.perform_async()


def greet() -> None: ...


class Shop:
    @classmethod
    def opening(cls) -> None: ...

    @staticmethod
    def close() -> str:
        return "closed"

    closing = teep.job(name="static")(close)


class TestWhatTheDecoratorTakes:
    @pytest.mark.parametrize(
        ("target", "sentence"),
        [
            ("low", r"takes a function, not 'low'; for a queue write @teep.job\(queue='low'\)"),
            (5, r"takes a function, not 5; give options by their names, such as @teep.job\(queue="),
            ([greet], "takes a function, not list; give options by their names"),
            (Shop, r"Shop is a class, .* derive it from teep.Job, .*class Shop\(teep.Job, queue=…\)"),
            (teep.IterableJob, "its options go behind its base"),
            (property(lambda _self: 1), "takes a function, not property"),
            (Shop.__dict__["opening"], "Shop.opening is a method, which a worker has no object for"),
            (teep.job(name="greet")(greet), "greet is a job already; give all its options to one"),
            (teep.job(name="greet")(greet).aio, "greet is a job already"),
        ],
    )
    def test_what_is_no_function_is_told_what_to_write(self, target: Any, sentence: str) -> None:
        for use in (teep.job, teep.job(name="x"), teep.job(queue="low")):
            with pytest.raises(InvalidJob, match=sentence):
                use(target)

    def test_a_static_method_may_be_a_job(self) -> None:
        assert Shop.closing() == Shop().closing() == "closed"


def test_a_tests_own_jobs_end_with_it(write: Write) -> None:
    write("shop", "@teep.job\ndef send(): ...\nteep.job(name='made')(make(1))")
    kept = teep.job(name="kept")(greet).definition
    for _ in range(2):
        with forgetting():
            teep.job(name="local")(lambda: None)
            importlib.import_module("shop")
    assert [known.name for known in registered()] == ["kept", "made", "shop.send"]
    assert find("kept") is kept
