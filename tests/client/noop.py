"""The jobs of the recordings' steps 01 to 08, as teep would write them."""

from typing import Any

import teep


@teep.job(name="NoopJob")
def noop(*args: Any) -> None:
    """Do nothing."""


@teep.job(name="OptJob", queue="critical", retry=5, tags=["alpha", "beta"], backtrace=10, retry_queue="low")
def with_options(number: int) -> None:
    """Do nothing, with options."""
