"""A plain push fills arguments, jid and times into bytes that were written before, unless somebody looks at it."""

from typing import Any

import pytest

import teep
from teep.client.payloads.push import prepare
from teep.client.payloads.template import Template
from teep.config import Config, overridden
from teep.errors import InvalidArguments, TeepError
from teep.job.definition import Definition
from teep.job.options import Options
from teep.job.pushing.verbs import AsyncVerbs, Verbs
from teep.testing import fake
from tests.api.sides import Side
from tests.client.test_bulk_bytes import ARGS

OPTIONS: list[dict[str, Any]] = [
    {},
    {"queue": "ünïcode", "retry": 3, "tags": ["%b"], "extra": {"custom": 1e20, "tail": {"jid": "", "args": []}}},
    {"transactional": False, "timeout": 1e-7},
]


def define(**options: Any) -> Definition:
    def noop(*args: Any, **kwargs: Any) -> None: ...

    return Definition("the.job", Options.parse("the.job", options), noop)


def test_both_ways_to_push_give_the_same_bytes_of_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.client.payloads.template.time.time", lambda: 1_800_000_000.25)
    monkeypatch.setattr("teep.client.payloads.push.os.urandom", lambda count: bytes(range(count)))
    for unit in ("seconds", "milliseconds"):
        config = Config(timestamps=unit, job_defaults={"backtrace": 5, "extra": {"tenant": "ü"}})
        for options in OPTIONS:
            job = define(**options)
            template = job.template(config)
            assert template.holds
            for args in ARGS:
                alone = prepare(config, job.to_payload(args, {}))
                jid, push = template.push(list(args))
                assert alone is not None
                assert (jid, push.now, push.later) == (alone.jid, {alone.queue: (alone.raw,)}, ())
                assert push.transactional is options.get("transactional", True)


@pytest.mark.parametrize("args", [[{1}], [[float("nan")]], ["\ud800"], [1, {2: 3}]])
def test_what_is_not_json_is_refused_in_the_same_words(args: list[Any]) -> None:
    config, job = Config(), define()
    said = []
    for push in (lambda: job.template(config).push(args), lambda: prepare(config, job.to_payload(tuple(args), {}))):
        with pytest.raises(InvalidArguments) as caught:
            push()
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith("the.job: args[")


@pytest.mark.parametrize("options", [{"unique_for": 60}, {"expires_in": 60}, {"encrypt": True}])
def test_a_job_that_asks_for_something_is_written_by_itself(options: dict[str, Any]) -> None:
    assert not Template(Config(), "the.job", options).holds


def test_defaults_may_ask_for_something_too() -> None:
    assert not Template(Config(job_defaults={"expires_in": 60}), "the.job", {}).holds


def test_a_middleware_that_is_added_later_sees_the_next_push() -> None:
    seen: list[Any] = []

    def see(job: dict[str, Any], call_next: Any) -> Any:
        seen.append(job["args"])
        return call_next()

    job: Verbs[...] = Verbs(define())
    with overridden(Config()) as config, fake() as jobs:
        job.perform_async(1)
        config.client_middleware.add(see)
        job.perform_async(2)
        config.client_middleware.clear()
        job.perform_async(3)
        assert [each.args for each in jobs] == [[1], [2], [3]]
    assert seen == [[2]]


def test_each_configuration_writes_its_own_defaults() -> None:
    job: Verbs[...] = Verbs(define())
    retries = []
    for retry in (1, 2, 1):
        with overridden(Config(job_defaults={"retry": retry})), fake() as jobs:
            job.perform_async()
            retries += [each.item["retry"] for each in jobs]
    assert retries == [1, 2, 1]


def test_keywords_and_options_of_one_push_go_along() -> None:
    job: Verbs[...] = Verbs(define(queue="low"))
    with overridden(Config()), fake() as jobs:
        job.perform_async(1, loud=True)
        job.set(queue="high").perform_async(2)
        assert [(each.queue, each.args, each.item.get("kwargs")) for each in jobs] == [
            ("low", [1], {"loud": True}),
            ("high", [2], None),
        ]


def test_it_lies_in_its_queue_and_the_queue_is_listed(side: Side) -> None:
    job = define(queue="low")
    verbs: Any = AsyncVerbs(job) if side.name == "async" else Verbs(job)
    with overridden(side.config):
        jid = side.run(verbs.perform_async("x"))
    (item,) = side.lying("low")
    assert (item["args"], item["jid"]) == (["x"], jid)
    assert side.server.command("SMEMBERS", "queues") == {b"low"}


def test_a_wrong_call_is_refused() -> None:
    @teep.job(name="tests.two")
    def two(a: int, b: int) -> None: ...

    with fake() as jobs, pytest.raises(TeepError, match="cannot be called like this"):
        two.perform_async(1)  # type: ignore[call-arg]
    assert not jobs
