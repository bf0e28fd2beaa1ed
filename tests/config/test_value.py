"""A configuration is a value: it is compared, hashed, pickled and copied by its options."""

import copy
import pickle
from typing import Any

import pytest

import teep
from teep import CapsuleConfig, Config

OPTIONS: dict[str, Any] = {
    "redis_url": "redis://:s3cret@127.0.0.1:1/5",
    "queues": ["critical,6", "low"],
    "capsules": {"serial": CapsuleConfig(concurrency=1, queues=["imports"])},
    "labels": ["web"],
    "job_defaults": {"retry": 5, "tags": ["eu"]},
    "environment": "test",
    "tag": "shop",
    "max_rss": 512,
}
CHANGES: dict[str, Any] = {
    "redis_url": "redis://127.0.0.1:1",
    "queues": ["critical,5", "low"],
    "capsules": {"serial": CapsuleConfig(concurrency=2, queues=["imports"])},
    "labels": [],
    "job_defaults": {"retry": 5, "tags": ["us"]},
    "backtrace_cleaner": list,
    "timestamps": "milliseconds",
}


def test_configurations_with_the_same_options_are_equal() -> None:
    one, other = Config(**OPTIONS), Config(**OPTIONS)
    assert one == other
    assert hash(one) == hash(other)
    assert {one: "known"}[other] == "known"
    one.on("startup", lambda: None)
    assert one == other, "hooks are no part of the value"


@pytest.mark.parametrize("name", CHANGES)
def test_configurations_of_which_one_option_differs_are_not_equal(name: str) -> None:
    assert Config(**OPTIONS) != Config(**{**OPTIONS, name: CHANGES[name]})


def test_one_that_names_the_default_queue_is_not_equal_to_one_that_names_none() -> None:
    assert Config(queues=["default"]) != Config()
    assert Config() != "Config()"


@pytest.mark.parametrize("options", [OPTIONS, {}, {"backtrace_cleaner": list}])
def test_a_pickle_brings_an_equal_one_back(options: dict[str, Any]) -> None:
    config = Config(**options)
    config.death_handlers.append(lambda _job, _error: None)  # of which there is no pickle
    back = pickle.loads(pickle.dumps(config))
    assert back == config
    assert (repr(back), back.sources) == (repr(config), config.sources)
    assert (back.death_handlers, len(back.error_handlers)) == ([], 1)


def test_a_pickle_remembers_where_options_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEEP_TIMEOUT", "6")
    config = teep.configure(concurrency=3)
    config.note_sources({"timeout": "TEEP_TIMEOUT"})
    monkeypatch.delenv("TEEP_TIMEOUT")
    back = pickle.loads(pickle.dumps(config))
    assert back.sources == config.sources
    assert (back.sources["timeout"], back.sources["concurrency"]) == ("TEEP_TIMEOUT", "argument")


def test_a_copy_of_python_is_an_equal_one() -> None:
    config = Config(**OPTIONS)
    assert copy.deepcopy(config) == copy.copy(config) == config.copy() == config


def test_its_parts_cannot_be_changed() -> None:
    queues = ["imports"]
    config = Config(capsules={"serial": CapsuleConfig(concurrency=1, queues=queues)})
    queues.append("exports")
    assert config.capsules["serial"].queues == ("imports",)


def test_what_the_dead_set_keeps() -> None:
    assert Config(dead_max_jobs=5, dead_timeout=60).dead_limits == (5, 60)
