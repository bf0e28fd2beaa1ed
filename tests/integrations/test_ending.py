"""How runs end that raise nothing, or whose job was cancelled; `Jobs` has the other ways."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

import pytest

import teep
from teep.integrations.ending import Ending, ending_of
from teep.middleware import around
from tests.integrations.conftest import run_in_three_parts
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.walking import Kind


@pytest.fixture
def endings(fleet: Fleet) -> list[Ending]:
    """How each run has ended."""
    endings: list[Ending] = []

    @contextmanager
    def noted(_job: dict[str, Any]) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            endings.append(ending_of(error))
            raise
        endings.append(ending_of(None))

    fleet.config.server_middleware.add(around(noted))
    return endings


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_iterable_job_that_makes_way_is_interrupted(fleet: Fleet, endings: list[Ending], kind: Kind) -> None:
    run_in_three_parts(fleet, kind)
    assert endings == ["interrupted", "interrupted", "success"]


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (teep.Snooze(60), "interrupted"),
        (teep.OverLimit(60), "interrupted"),
        (teep.OverLimit(60, reschedule=0), "failure"),
        (teep.Retry(60), "failure"),
    ],
)
def test_a_job_that_comes_again_with_no_attempt_used_is_interrupted(
    fleet: Fleet, endings: list[Ending], error: Exception, ending: Ending
) -> None:
    @teep.job(name="asks")
    def asks() -> None:
        raise error

    fleet.push(asks)
    fleet.start(fleet.config)
    fleet.wait_until_processed(1)
    assert endings == [ending]


@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_job_is_interrupted_whether_it_returns_or_fails(
    fleet: Fleet, endings: list[Ending], fails: bool
) -> None:
    begun = threading.Event()

    def is_cancelled() -> bool:
        job = teep.current_job()
        return job is not None and job.cancelled

    @teep.job(name="polite")
    def polite() -> None:
        begun.set()
        wait_until(is_cancelled, SOON, "the cancellation")
        if fails:
            raise ValueError("no luck")

    jid = fleet.push(polite)
    fleet.start(fleet.config)
    assert begun.wait(SOON)
    assert teep.Client(fleet.config).cancel(jid) == "working"
    fleet.wait_until_processed(1)
    assert endings == ["interrupted"]
