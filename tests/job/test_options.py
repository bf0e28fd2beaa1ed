"""Options of jobs: where they go, and what is refused."""

import sys
import types
from typing import Any

import pytest

import teep
from teep.errors import InvalidArguments, InvalidJob
from teep.job import definition
from teep.job.definition import find, registered


def options_of(job: Any) -> dict[str, Any]:
    """The payload's fields that come from options."""
    return {
        name: value for name, value in job.to_payload((), {}).items() if name not in ("args", "class")
    }  # fmt: skip


def test_a_plain_decorator() -> None:
    @teep.job
    def plain() -> str:
        """Its words."""
        return "ran"

    assert plain() == "ran"
    assert (plain.__name__, plain.__doc__, plain.__wrapped__()) == ("plain", "Its words.", "ran")  # type: ignore[attr-defined]
    assert options_of(plain) == {}
    assert repr(plain) == f"<teep job {__name__}.test_a_plain_decorator.<locals>.plain>"


def test_every_option_that_travels() -> None:
    fields: dict[str, Any] = {
        "queue": "low", "retry": 5, "retry_for": 60.0, "retry_queue": "later", "dead": False, "backtrace": 3,
        "tags": ["a"], "log_level": "DEBUG", "own": {"x": [1]},
    }  # fmt: skip
    assert options_of(teep.job(**fields)(lambda: None)) == fields


def test_options_of_the_code_do_not_travel() -> None:
    job = teep.job(name="a.b", retry_in=lambda *_: 5, retries_exhausted=lambda *_: None)(lambda: None)
    assert job.to_payload((), {}) == {"args": [], "class": "a.b"}
    assert find("a.b").options.retry_in is not None
    assert find("a.b").options.retries_exhausted is not None


@pytest.mark.parametrize("name", ["expires_in", "unique_for", "unique_until"])
def test_what_cannot_be_done_yet_is_refused_in_a_sentence(name: str) -> None:
    sentence = f"the.job asks for {name}, which this version of teep cannot do yet; leave it out"
    with pytest.raises(InvalidJob, match=sentence):
        teep.job(name="the.job", **{name: 60})(lambda: None)
    with pytest.raises(InvalidJob, match=sentence):
        type("TheJob", (teep.Job,), {"perform": lambda _: None}, name="the.job", **{name: 60})
    job = teep.job(name="the.job")(lambda: None)
    with pytest.raises(InvalidJob, match=sentence):
        job.set(**{name: 60})
    with pytest.raises(InvalidJob, match=sentence):
        job.aio.set(**{name: 60})


@pytest.mark.parametrize("name", ["class", "args", "kwargs", "jid", "created_at", "enqueued_at", "at"])
def test_the_payloads_own_fields_are_no_options(name: str) -> None:
    with pytest.raises(InvalidJob, match=f"'{name}' of the.job is a field that teep sets itself"):
        teep.job(name="the.job", **{name: "x"})(lambda: None)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"retry": "often"}, InvalidJob, '"retry" must be true, false or how many times'),
        ({"queue": ""}, InvalidJob, '"queue" must be the name of a queue'),
        ({"tags": "a"}, InvalidJob, '"tags" must be a list of strings'),
        ({"retry_for": 2e9}, InvalidJob, '"retry_for" must be seconds from now'),
        ({"retry_in": 5}, InvalidJob, "retry_in of the.job must be callable, not 5"),
        ({"retries_exhausted": "x"}, InvalidJob, "retries_exhausted of the.job must be callable, not 'x'"),
        ({"own": {1}}, InvalidArguments, r"options of the.job\['own'\] is a set"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        teep.job(name="the.job", **options)(lambda: None)


def test_two_jobs_of_one_name_are_refused() -> None:
    @teep.job(name="same")
    def first() -> None: ...

    with pytest.raises(InvalidJob, match="there is another job 'same'; give one of the two another name="):

        @teep.job(name="same")
        def second() -> None: ...

    assert [known.name for known in registered()] == ["same"]


def test_a_module_may_be_loaded_again() -> None:
    source = compile("import teep\n@teep.job(name='again')\ndef again(): ...\n", "again.py", "exec")
    for _ in range(2):
        exec(source, types.ModuleType("again").__dict__)
    assert [known.name for known in registered()] == ["again"]


def test_an_unknown_name_says_what_to_do() -> None:
    with pytest.raises(teep.errors.UnknownJob, match=r"no job 'x\.y' is known here; give the worker the module"):
        find("x.y")


def test_nothing_is_imported_for_a_name_in_a_payload() -> None:
    for name in ("this.s", "antigravity.geohash"):
        with pytest.raises(teep.errors.UnknownJob):
            find(name)
    assert "antigravity" not in sys.modules


class Base(teep.Job, queue="low", retry=3, tags=["base"], name="the.base"):
    """A base without `perform`."""


class Child(Base, retry=7):
    """Inherits and overrides."""

    def perform(self, number: int) -> int:
        return number + 1


class Grandchild(Child, name="the.grandchild", tags=["own"]):
    """Inherits `perform` too."""


class TestTheClassForm:
    def test_options_are_inherited_and_overridden_but_the_name(self) -> None:
        assert Child.set().to_payload((1,), {}) == {
            "queue": "low", "retry": 7, "tags": ["base"], "args": [1], "class": f"{__name__}.Child",
        }  # fmt: skip
        assert Grandchild.set().to_payload((1,), {}) == {
            "queue": "low", "retry": 7, "tags": ["own"], "args": [1], "class": "the.grandchild",
        }  # fmt: skip

    def test_a_base_is_no_job(self) -> None:
        base: Any = Base  # to a type checker it has no verbs at all
        for verb in (base.perform_async, base.perform_inline, base.set):
            with pytest.raises(InvalidJob, match="Base has no perform method, so it is no job"):
                verb()

    def test_a_plain_instance_outside_of_a_run(self) -> None:
        assert (Child().perform(1), Child().jid, Child().context) == (2, None, None)

    def test_each_run_has_an_instance_of_its_own(self, offline: teep.Config) -> None:
        seen: list[int] = []

        class Counting(teep.Job):
            def __init__(self) -> None:
                self.count = 0

            def perform(self) -> None:
                self.count += 1
                seen.append(self.count)

        Counting.perform_inline()
        Counting.perform_inline()
        assert seen == [1, 1]

    def test_it_knows_its_jid_while_it_runs(self, offline: teep.Config) -> None:
        class Knowing(teep.Job):
            def perform(self) -> str | None:
                assert self.context is not None
                assert self.context.jid == self.jid
                return self.jid

        assert len(Knowing.perform_inline()) == 24
        assert definition.find(f"{__name__}.{Knowing.__qualname__}").name.endswith("Knowing")
