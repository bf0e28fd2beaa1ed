"""Which queues a worker serves when none is named, and what it says of queues and jobs that do not fit together."""

import pickle

import pytest

import teep
from teep import CapsuleConfig, Config
from teep.job.definition import Definition, registered
from teep.worker.startup.assignment import capsules_for, remarks

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def jobs() -> list[Definition]:
    """A job of the default queue, one of `mailers`, and one of `low` that is retried in `slow`."""
    teep.job(name="plain")(lambda: None)
    teep.job(name="mail", queue="mailers")(lambda: None)
    teep.job(name="late", queue="low", retry_queue="slow")(lambda: None)
    return registered()


def served(config: Config, jobs: list[Definition]) -> list[str]:
    return list(capsules_for(config, jobs)["default"].queues)


def remarks_on(config: Config, jobs: list[Definition]) -> list[str]:
    return list(remarks(config, capsules_for(config, jobs), jobs))


def test_a_worker_that_is_told_no_queue_serves_those_of_its_jobs(jobs: list[Definition]) -> None:
    assert served(Config(), jobs) == ["default,1", "low,1", "mailers,1", "slow,1"]
    assert capsules_for(Config(), jobs)["default"].order.mode == "random"
    assert remarks_on(Config(), jobs) == []


def test_one_that_is_told_its_queues_serves_those_only(jobs: list[Definition]) -> None:
    for queues in (["default"], ("default",), ["low,3", "default"]):
        assert served(Config(queues=queues), jobs) == list(queues)


def test_a_configuration_without_queues_stays_one_through_copies() -> None:
    job = teep.job(name="mail", queue="mailers")(lambda: None)
    assert job is not None
    for config in (Config().copy(concurrency=3), Config(queues=pickle.loads(pickle.dumps(Config().queues)))):
        assert config.queues == ("default",)
        assert served(config, registered()) == ["default,1", "mailers,1"]


def test_queues_of_other_capsules_are_left_to_them(jobs: list[Definition]) -> None:
    config = Config(capsules={"one": CapsuleConfig(concurrency=1, queues=["mailers", "low"])})
    assert served(config, jobs) == ["default,1", "slow,1"]


def test_jobs_without_a_queue_go_where_job_defaults_say() -> None:
    teep.job(name="plain")(lambda: None)
    assert served(Config(job_defaults={"queue": "usual"}), registered()) == ["default,1", "usual,1"]


def test_only_the_default_queue_stays_as_it_is() -> None:
    teep.job(name="plain")(lambda: None)
    assert served(Config(), registered()) == ["default"]


def test_each_queue_that_is_not_served_is_told_with_its_jobs(jobs: list[Definition]) -> None:
    assert remarks_on(Config(queues=["default", "low"]), jobs) == [
        "the queue 'mailers' is not served here, so its jobs wait for another worker: mail",
        "the queue 'slow' is not served here, so its jobs wait for another worker: late",
    ]


@pytest.mark.parametrize(
    ("queue", "sentence"),
    [
        ("defualt", "no job here names the queue 'defualt'; did you mean 'default'?"),
        ("defaul", "no job here names the queue 'defaul'; did you mean 'default'?"),
        ("mailer", "no job here names the queue 'mailer'; did you mean 'mailers'?"),
        ("maillers", "no job here names the queue 'maillers'; did you mean 'mailers'?"),
        ("lov", "no job here names the queue 'lov'; did you mean 'low'?"),
        ("critical:6", "a queue is served under the name 'critical:6'; for a weight write critical,6"),
        ("low default", "a queue is served under the name 'low default', with a blank in it; name each by itself"),
    ],
)  # fmt: skip
def test_a_name_that_may_be_a_typo_is_told(queue: str, sentence: str, jobs: list[Definition]) -> None:
    config = Config(queues=["default", "mailers", "low", "slow", queue])
    assert remarks_on(config, jobs) == [sentence]


@pytest.mark.parametrize("queue", ["low2", "2low", "ruby", "l", "lo-fi", "mail"])
def test_other_names_are_taken_as_they_are(queue: str, jobs: list[Definition]) -> None:
    assert remarks_on(Config(queues=["default", "mailers", "low", "slow", queue]), jobs) == []
