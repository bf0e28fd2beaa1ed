"""Options of jobs: where they go, and what is refused."""

import asyncio
import inspect
import re
import sys
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import teep
from teep import testing
from teep.config import job_options, overridden
from teep.config.sources import elsewhere
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob
from teep.job import definition
from teep.job.definition import find, registered
from teep.job.options import JobOptions
from teep.wire import options


def options_of(job: Any) -> dict[str, Any]:
    """The payload's fields that come from options."""
    return {
        name: value for name, value in job.to_payload((), {}).items() if name not in ("args", "class")
    }  # fmt: skip


def at_the_top() -> None: ...


def test_a_plain_decorator() -> None:
    @teep.job(name="plain")
    def plain() -> str:
        """Its words."""
        return "ran"

    assert plain() == "ran"
    assert (plain.__name__, plain.__doc__, plain.__wrapped__()) == ("plain", "Its words.", "ran")  # type: ignore[attr-defined]
    assert options_of(plain) == {}
    assert teep.job(name=None)(at_the_top).definition.name == f"{__name__}.at_the_top"
    assert repr(plain) == "<teep job plain>"


def test_every_option_that_travels() -> None:
    fields: dict[str, Any] = {
        "queue": "low", "retry": 5, "retry_for": 60.0, "retry_queue": "later", "dead": False, "backtrace": 3,
        "tags": ["a"], "log_level": "debug", "expires_in": 60, "timeout": 1.5, "unique_for": 60,
        "unique_until": "start", "own": {"x": [1]},
    }  # fmt: skip
    assert options_of(teep.job(name="the.job", **fields)(lambda: None)) == fields


def test_options_of_the_code_do_not_travel() -> None:
    job = teep.job(name="a.b", retry_in=lambda *_: 5, retries_exhausted=lambda *_: None)(lambda: None)
    assert job.to_payload((), {}) == {"args": [], "class": "a.b"}
    assert find("a.b").options.retry_in is not None
    assert find("a.b").options.retries_exhausted is not None


@pytest.mark.parametrize(
    "name",
    ["class", "args", "kwargs", "jid", "created_at", "enqueued_at", "at", "expiry", "retry_count", "failed_at"],
)
def test_the_payloads_own_fields_are_no_options(name: str) -> None:
    with pytest.raises(InvalidJob, match=f"'{name}' of the.job is a field that teep sets itself"):
        teep.job(name="the.job", **{name: "x"})(lambda: None)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"retry": "often"}, InvalidJob, '"retry" must be true, false or how many times'),
        ({"queue": ""}, InvalidJob, '"queue" must be the name of a queue'),
        ({"tags": "a"}, InvalidJob, '"tags" must be a list of strings'),
        ({"retry": -1}, InvalidJob, '"retry" must be true, false or how many times'),
        ({"queue": None}, InvalidJob, '"queue" must be the name of a queue, not None'),
        ({"retry_queue": 5}, InvalidJob, '"retry_queue" must be the name of a queue, not 5'),
        ({"retry_for": 2e9}, InvalidJob, '"retry_for" must be seconds above 0, up to 1000000000, from the first'),
        ({"retry_for": True}, InvalidJob, '"retry_for" must be seconds'),
        ({"dead": "no"}, InvalidJob, "\"dead\" must be true or false, not 'no'"),
        ({"backtrace": -1}, InvalidJob, '"backtrace" must be true, false or how many lines'),
        ({"encrypt": 1}, InvalidJob, '"encrypt" must be true or false, not 1'),
        ({"expires_in": 0}, InvalidJob, '"expires_in" must be seconds above 0, up to 1000000000, from when the job'),
        ({"expires_in": timedelta(0)}, InvalidJob, '"expires_in" must be seconds above 0'),
        ({"timeout": "1m"}, InvalidJob, "\"timeout\" must be seconds above 0, up to 1000000000, not '1m'"),
        ({"log_level": "loud"}, InvalidJob, '"log_level" must be one of debug, info, warn, error, fatal, not'),
        ({"log_level": 10}, InvalidJob, '"log_level" must be one of debug, info, warn, error, fatal, not 10'),
        ({"name": 5}, InvalidJob, "name of 5 must be a text that is not empty, not 5"),
        (
            {"retry_in": lambda: 5},
            InvalidJob,
            r"retry_in of the.job must take \(count, exception, payload\), not \(\)",
        ),
        ({"retry_in": asyncio.sleep}, InvalidJob, "retry_in of the.job must be a plain def"),
        ({"retries_exhausted": lambda _job: None}, InvalidJob, r"must take \(payload, exception\), not \(_job\)"),
        ({"retry_in": 5}, InvalidJob, "retry_in of the.job must be callable, not 5"),
        ({"retries_exhausted": "x"}, InvalidJob, "retries_exhausted of the.job must be callable, not 'x'"),
        ({"own": {1}}, InvalidArguments, r"the.job\['own'\] is a set"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    options = {"name": "the.job", **options}
    with pytest.raises(kind, match=sentence):
        teep.job(**options)(lambda: None)
    with pytest.raises(kind, match=sentence):  # a base class for others is no better a place for it
        type("Base", (teep.Job,), {}, **options)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("retires", "retry"), ("retry_fro", "retry_for"), ("tag", "tags"), ("queu", "queue"),
     ("timout", "timeout"), ("time_out", "timeout"), ("expire_in", "expires_in"), ("loglevel", "log_level"),
     ("retry_on", "retry_in"), ("encrypted", "encrypt"), ("names", "name"), ("unique_form", "unique_for")],
)  # fmt: skip
def test_a_name_that_is_most_likely_a_slip_is_refused_wherever_options_are_given(slip: str, meant: str) -> None:
    job = teep.job(name="the.job")(lambda: None)
    for give in (
        lambda: teep.job(name="the.job", **{slip: 0})(lambda: None),
        lambda: job.set(**{slip: 0}),
        lambda: job.aio.set(**{slip: 0}),
    ):
        with pytest.raises(InvalidJob, match=f"the.job has no option '{slip}'; did you mean '{meant}'"):
            give()
    with pytest.raises(ConfigurationError, match=f"job_defaults has no option '{slip}'; did you mean '{meant}'"):
        teep.Config(job_defaults={slip: 0})


def test_other_systems_options_name_the_own_one() -> None:
    job = teep.job(name="the.job")(at_the_top)
    for name, instead in elsewhere.OPTIONS.items():
        sentence = re.escape(f"has no option {name!r}; use {instead}")
        with pytest.raises(InvalidJob, match=f"^other {sentence}$"):
            teep.job(name="other", **{name: 30})(at_the_top)
        with pytest.raises(ConfigurationError, match=f"job_defaults {sentence}"):
            teep.Config(job_defaults={name: 30})
        if name not in ("wait", "wait_until"):  # which are for this
            for verbs in (job, job.aio):
                with pytest.raises(InvalidJob, match=f"^the.job {sentence}$"):
                    verbs.set(**{name: 30})


@pytest.mark.parametrize(
    ("name", "instead"),
    [("countdown", r"\.set\(wait=…\), or perform_in"), ("eta", r"\.set\(wait_until=…\)"),
     ("priority", "a queue of its own"),
     ("expires", "expires_in"), ("max_retries", "retry, how many"), ("queue_name", "queue$"),
     ("soft_time_limit", "timeout"), ("ignore_result", "teep keeps no results"), ("apply_async", "perform_async"),
     ("at", r"use .set\(wait_until=…\)"), ("args", "arguments go to the verb")],
)  # fmt: skip
def test_the_sentence_says_which(name: str, instead: str) -> None:
    with pytest.raises(InvalidJob, match=instead):
        teep.job(name="the.job")(at_the_top).set(**{name: 30})


def test_every_option_is_in_the_decorators_help_in_its_type_and_in_the_docs() -> None:
    named = re.findall(r"^ {4}(\w+): ", inspect.getdoc(teep.job) or "", re.MULTILINE)
    page = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text("utf-8")
    assert set(named) == set(JobOptions.__annotations__) == {*options.CHECKS, *job_options.CODE}
    assert set(re.findall(r"^\| `(\w+)`(?: \*)? \|", page, re.MULTILINE)) >= set(named)


def test_fields_of_ones_own_may_have_any_other_name() -> None:
    names = "tenant deadline locale profile wrapped display_class cattr cattr_1 level time_zone page game"
    fields = dict.fromkeys(names.split(), 1)
    assert options_of(teep.job(name="the.job", **fields)(lambda: None)) == fields


def test_seconds_may_be_a_timedelta() -> None:
    hour = timedelta(hours=1)
    job = teep.job(name="the.job", expires_in=hour, timeout=hour, retry_for=hour)(lambda: None)
    assert options_of(job) == {"expires_in": 3600.0, "timeout": 3600.0, "retry_for": 3600.0}
    assert options_of(job.set(expires_in=timedelta(milliseconds=500)))["expires_in"] == 0.5
    assert teep.Config(job_defaults={"timeout": hour}).job_defaults == {"timeout": 3600.0}
    with pytest.raises(InvalidArguments, match=r"the.job\['own'\] is a timedelta"):
        teep.job(name="the.job", own=hour)(lambda: None)


@pytest.mark.parametrize(
    ("given", "sidekiqs"),
    [("DEBUG", "debug"), ("debug", "debug"), ("Warning", "warn"), ("warn", "warn"), ("CRITICAL", "fatal")],
)
def test_a_log_level_travels_under_sidekiqs_name(given: str, sidekiqs: str) -> None:
    assert options_of(teep.job(name="the.job", log_level=given)(lambda: None)) == {"log_level": sidekiqs}


@pytest.mark.parametrize("name", ["name", "retry_in", "retries_exhausted"])
def test_what_stays_with_the_code_is_for_the_job_alone(name: str) -> None:
    job = teep.job(name="the.job")(lambda: None)
    with pytest.raises(InvalidJob, match=f"'{name}' of the.job is code; give it to @teep.job, or to the class"):
        job.set(**{name: print})
    with pytest.raises(ConfigurationError, match=f"'{name}' of job_defaults is code"):
        teep.Config(job_defaults={name: print})


def test_an_options_nearest_place_wins(offline: teep.Config) -> None:
    """A push, then the job, then its bases, then the defaults of all jobs, then Sidekiq's."""
    offline = offline.copy(job_defaults={"queue": "defaults", "retry": 1, "dead": False, "own": 1})

    class Parent(teep.Job, retry=2, tags=["parent"], backtrace=3):
        """A base."""

    class Child(Parent, name="the.child", retry=3, tags=["child"], own=None):
        def perform(self) -> None: ...

    with overridden(offline), testing.fake() as jobs:
        Child.set(retry=4).perform_async()
        Child.perform_async()
        Child.set().perform_bulk([()])
        teep.Client().push({"class": "Raw", "args": []})
    pushed, plain, bulk, raw = (job.item for job in jobs)
    assert [item["retry"] for item in (pushed, plain, bulk, raw)] == [4, 3, 3, 1]
    for item in (pushed, plain, bulk):
        assert (item["queue"], item["tags"], item["backtrace"]) == ("defaults", ["child"], 3)
        assert (item["dead"], item["own"]) == (False, None)
    assert (raw["queue"], raw["own"]) == ("defaults", 1)


def test_two_jobs_of_one_name_are_refused() -> None:
    @teep.job(name="same")
    def first() -> None: ...

    with pytest.raises(
        InvalidJob,
        match=r"two jobs have the name 'same', at \S+options.py:\d+ and \S+options.py:\d+; give one of them another",
    ):

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

    def test_several_bases_are_asked_in_the_order_of_attributes(self) -> None:
        class Low(teep.Job, queue="low", retry=1):
            """A base."""

        class Patient(teep.Job, retry=2, timeout=60):
            """Another."""

        class Both(Low, Patient, name="the.both"):
            def perform(self) -> None: ...

        class Diamond(Patient, Low, name="the.diamond"):
            def perform(self) -> None: ...

        assert options_of(Both) == {"queue": "low", "retry": 1, "timeout": 60}
        assert options_of(Diamond) == {"queue": "low", "retry": 2, "timeout": 60}

    def test_code_is_inherited_too(self) -> None:
        class Parent(teep.Job, retry_in=lambda *_: 5, retries_exhausted=lambda *_: None):
            """A base."""

        class Child(Parent, name="the.child", retries_exhausted=None):
            def perform(self) -> None: ...

        assert find("the.child").options.retry_in is not None
        assert find("the.child").options.retries_exhausted is None

    def test_a_base_is_no_job(self) -> None:
        base: Any = Base  # to a type checker it has no verbs at all
        for verb in (base.perform_async, base.perform_inline, base.set):
            with pytest.raises(InvalidJob, match="Base has no perform method, so it is no job"):
                verb()

    def test_a_plain_instance_outside_of_a_run(self) -> None:
        assert (Child().perform(1), Child().jid, Child().context) == (2, None, None)

    def test_each_run_has_an_instance_of_its_own(self, offline: teep.Config) -> None:
        seen: list[int] = []

        class Counting(teep.Job, name="Counting"):
            def __init__(self) -> None:
                self.count = 0

            def perform(self) -> None:
                self.count += 1
                seen.append(self.count)

        Counting.perform_inline()
        Counting.perform_inline()
        assert seen == [1, 1]

    def test_it_knows_its_jid_while_it_runs(self, offline: teep.Config) -> None:
        class Knowing(teep.Job, name="Knowing"):
            def perform(self) -> str | None:
                assert self.context is not None
                assert self.context.jid == self.jid
                return self.jid

        assert len(Knowing.perform_inline()) == 24
        assert definition.find("Knowing").name == "Knowing"
