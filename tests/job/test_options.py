"""Options of jobs: where they go, and what is refused."""

import asyncio
import inspect
import re
import sys
import types
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import teep
from teep import testing
from teep.client.payloads.push import prepare
from teep.config import overridden
from teep.config.sources import elsewhere
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob
from teep.job import definition
from teep.job.definition import find, registered
from teep.job.options import JobOptions, PushOptions, SetOptions
from teep.wire import json, options, payload


def options_of(job: Any) -> dict[str, Any]:
    """The payload's fields that come from options."""
    return {
        name: value for name, value in job.to_payload((), {}).items() if name not in ("args", "class")
    }  # fmt: skip


def as_any(name: str, value: Any) -> dict[str, Any]:
    """One option, of which type checkers know nothing."""
    return {name: value}


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
        "unique_until": "start",
    }  # fmt: skip
    own = {"own": {"x": [1]}}
    assert options_of(teep.job(name="the.job", extra=own, **fields)(lambda: None)) == fields | own


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
        teep.job(name="the.job", **as_any(name, "x"))(lambda: None)


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
        ({"name": 5}, InvalidJob, "name of 5 must be a string that is not empty, not 5"),
        (
            {"retry_in": lambda: 5},
            InvalidJob,
            r"retry_in of the.job must take \(count, exception, payload\), not \(\)",
        ),
        ({"retry_in": asyncio.sleep}, InvalidJob, "retry_in of the.job must be a plain def"),
        ({"retries_exhausted": lambda _job: None}, InvalidJob, r"must take \(payload, exception\), not \(_job\)"),
        ({"retry_in": 5}, InvalidJob, "retry_in of the.job must be callable, not 5"),
        ({"retries_exhausted": "x"}, InvalidJob, "retries_exhausted of the.job must be callable, not 'x'"),
        ({"extra": {"own": {1}}}, InvalidArguments, r"the.job\['own'\] is a set"),
        ({"extra": {5: 1}}, InvalidArguments, "the.job has the key 5"),
        ({"extra": ["own"]}, InvalidJob, "extra of the.job must be a dict of fields of your own, such as {'tenant'"),
        ({"extra": {"retry": 5}}, InvalidJob, "'retry' in extra of the.job is an option; give it beside extra"),
        ({"extra": {"jid": "x"}}, InvalidJob, "'jid' of the.job is a field that teep sets itself"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    options = {"name": "the.job", **options}
    with pytest.raises(kind, match=sentence):
        teep.job(**options)(lambda: None)
    with pytest.raises(kind, match=sentence):  # a base class for others is no better a place for it
        type("Base", (teep.Job,), {}, **options)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("retires", "retry"), ("retry_fro", "retry_for"), ("tag", "tags"), ("queu", "queue"),
     ("timout", "timeout"), ("time_out", "timeout"), ("expire_in", "expires_in"), ("loglevel", "log_level"),
     ("retry_on", "retry_in"), ("encrypted", "encrypt"), ("names", "name"), ("unique_form", "unique_for")],
)  # fmt: skip
def test_a_name_that_is_most_likely_a_typo_is_refused_wherever_options_are_given(typo: str, meant: str) -> None:
    job = teep.job(name="the.job")(lambda: None)
    for give in (
        lambda: teep.job(name="the.job", **as_any(typo, 0))(lambda: None),
        lambda: job.set(**as_any(typo, 0)),
        lambda: job.aio.set(**as_any(typo, 0)),
    ):
        with pytest.raises(InvalidJob, match=f"the.job has no option '{typo}'; did you mean '{meant}'"):
            give()
    with pytest.raises(ConfigurationError, match=f"job_defaults has no option '{typo}'; did you mean '{meant}'"):
        teep.Config(job_defaults={typo: 0})


def test_other_systems_options_name_the_own_one() -> None:
    job = teep.job(name="the.job")(at_the_top)
    for name, instead in elsewhere.OPTIONS.items():
        sentence = re.escape(f"has no option {name!r}; use {instead}")
        with pytest.raises(InvalidJob, match=f"^other {sentence}$"):
            teep.job(name="other", **as_any(name, 30))(at_the_top)
        with pytest.raises(ConfigurationError, match=f"job_defaults {sentence}"):
            teep.Config(job_defaults={name: 30})
        if name not in ("wait", "wait_until"):  # which are for this
            for verbs in (job, job.aio):
                with pytest.raises(InvalidJob, match=f"^the.job {sentence}$"):
                    verbs.set(**as_any(name, 30))


@pytest.mark.parametrize(
    ("name", "instead"),
    [("countdown", r"\.set\(wait=…\), or perform_in"), ("eta", r"\.set\(wait_until=…\)"),
     ("priority", "a queue of its own"),
     ("expires", "expires_in"), ("max_retries", "retry, how many"), ("queue_name", "queue$"),
     ("soft_time_limit", "timeout"), ("ignore_result", "only with keep_result"),
     ("result_ttl", "keep_result, in seconds"), ("apply_async", "perform_async"),
     ("at", r"use .set\(wait_until=…\)"), ("args", "arguments go to the verb")],
)  # fmt: skip
def test_the_sentence_says_which(name: str, instead: str) -> None:
    with pytest.raises(InvalidJob, match=instead):
        teep.job(name="the.job")(at_the_top).set(**as_any(name, 30))


JOBS_PAGE = Path(__file__).parents[2] / "docs" / "jobs.md"


def described(option: options.Option) -> str:
    return option.summary + (f"; default {option.default}" if option.default else "") + "."


def test_the_types_of_options_are_those_of_the_table() -> None:
    assert get_type_hints(JobOptions) == {name: option.type for name, option in options.OPTIONS.items()}
    travelling = JobOptions.__annotations__.keys() - options.CODE
    assert PushOptions.__annotations__.keys() == travelling
    assert SetOptions.__annotations__.keys() == travelling | {"wait", "wait_until"}
    assert travelling - {"extra"} == options.CHECKS.keys()
    assert {"timeout", "unique_for"} < options.SECONDS < options.CHECKS.keys()


def test_the_decorators_help_is_that_of_the_table() -> None:
    listed = (inspect.getdoc(teep.job) or "").partition("Args:\n")[2].partition("\n\n")[0]
    told = [" ".join(entry.split()) for entry in re.split(r"^ {4}(?! )", listed, flags=re.MULTILINE) if entry]
    assert told == [f"{name} ({option.takes}): {described(option)}" for name, option in options.OPTIONS.items()]


def test_the_page_has_the_table() -> None:
    rows = re.findall(
        r"^\| `(\w+)`( \*)? \| (.*?) ?\| (.*?) ?\| (.*) \|$", JOBS_PAGE.read_text("utf-8"), re.MULTILINE
    )
    told = [
        (name, bool(star), takes, default, re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", what))
        for name, star, takes, default, what in rows
    ]
    assert told == [
        (name, option.is_code, option.takes, option.default, option.summary)
        for name, option in options.OPTIONS.items()
    ]


def test_what_teep_writes_into_payloads_is_reserved() -> None:
    fields = {"expires_in": 5, "unique_for": 5, "kwargs": {"a": 1}, "at": 9e9}
    pushed = prepare(teep.Config(), {"class": "C", "args": [], **fields})
    assert pushed is not None
    item = payload.parse(pushed.raw)
    assert {"jid", "expiry", "unique_lock"} < item.keys()
    failed = payload.failed(payload.queued(item, 1e9, "seconds"), "q", "E", "m", "b", 1e9, "seconds")
    again = json.loads(payload.rescued(json.dumps(payload.failed(failed, "q", "E", "m", "b", 1e9, "seconds")), {}, 1))
    assert (item.keys() | again.keys()) - options.CHECKS.keys() <= options.RESERVED
    assert not options.RESERVED & options.OPTIONS.keys()


def test_fields_of_ones_own_may_have_any_other_name() -> None:
    names = "tenant deadline locale profile wrapped display_class cattr cattr_1 level page tag ttl retires countdown"
    fields: dict[str, Any] = dict.fromkeys(names.split(), 1)
    job = teep.job(name="the.job", extra=fields)(lambda: None)
    assert options_of(job) == fields
    assert options_of(job.set(extra={"tenant": 2, "more": 3}, retry=4)) == fields | {
        "tenant": 2,
        "more": 3,
        "retry": 4,
    }
    assert options_of(job.set(extra=None)) == fields


def test_fields_of_ones_own_beside_the_options_are_deprecated(recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("default")
    give: Any = teep.job
    for _ in range(3):
        job = give(name="the.job", tenant="acme", extra={"more": 1})(at_the_top)
        assert options_of(job) == {"tenant": "acme", "more": 1}
        assert options_of(job.set(tenant="other")) == {"tenant": "other", "more": 1}
    said = (
        "'tenant' of the.job is no option: write extra={'tenant': …} for a field of your own; the next version"
        " refuses it beside the options"
    )
    assert [(Path(warning.filename), str(warning.message)) for warning in recwarn] == 2 * [(Path(__file__), said)]
    assert {warning.category for warning in recwarn} == {DeprecationWarning}


def test_a_class_warns_once_and_its_subclasses_do_not(recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("always")
    base: Any = types.new_class("Parent", (teep.Job,), {"tenant": "acme"})
    child = types.new_class(
        "Child", (base,), {"extra": {"more": 1}}, lambda body: body.update(perform=lambda _: None)
    )
    assert options_of(child) == {"tenant": "acme", "more": 1}
    assert [warning.category for warning in recwarn] == [DeprecationWarning]


def test_job_defaults_have_fields_of_ones_own_either_way() -> None:
    config = teep.Config(job_defaults={"retry": 1, "tenant": "acme", "extra": {"more": 1}})
    assert config.job_defaults == {"retry": 1, "tenant": "acme", "more": 1}
    assert config.copy(concurrency=2).job_defaults == config.job_defaults
    with pytest.raises(ConfigurationError, match="job_defaults has no option 'tag'; did you mean 'tags'"):
        teep.Config(job_defaults={"extra": {"tag": 1}})  # a copy of it could not tell that from a typo


def test_seconds_may_be_a_timedelta() -> None:
    hour = timedelta(hours=1)
    job = teep.job(name="the.job", expires_in=hour, timeout=hour, retry_for=hour)(lambda: None)
    assert options_of(job) == {"expires_in": 3600.0, "timeout": 3600.0, "retry_for": 3600.0}
    assert options_of(job.set(expires_in=timedelta(milliseconds=500)))["expires_in"] == 0.5
    assert teep.Config(job_defaults={"timeout": hour}).job_defaults == {"timeout": 3600.0}
    with pytest.raises(InvalidArguments, match=r"the.job\['own'\] is a timedelta"):
        teep.job(name="the.job", extra={"own": hour})(lambda: None)


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
        job.set(**as_any(name, print))
    with pytest.raises(ConfigurationError, match=f"'{name}' of job_defaults is code"):
        teep.Config(job_defaults={name: print})


def test_an_options_nearest_place_wins(offline: teep.Config) -> None:
    """A push, then the job, then its bases, then the defaults of all jobs, then Sidekiq's."""
    offline = offline.copy(job_defaults={"queue": "defaults", "retry": 1, "dead": False, "own": 1})

    class Parent(teep.Job, retry=2, tags=["parent"], backtrace=3):
        """A base."""

    class Child(Parent, name="the.child", retry=3, tags=["child"], extra={"own": None}):
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
