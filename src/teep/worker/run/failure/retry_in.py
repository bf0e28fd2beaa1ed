"""The answer of a job's own `retry_in`: read generously, and refused with an error that says why."""

import reprlib
from datetime import timedelta
from typing import Any, Literal

from teep.errors import InvalidJob
from teep.wire import options

_END: dict[str, Literal["kill", "discard"]] = {"kill": "kill", "discard": "discard"}


def delay_or_end(answer: Any) -> float | Literal["kill", "discard"] | None:
    """Return seconds, the kind of end, or None for the usual delay, which 0 and False stand for, too.

    Raises:
        InvalidJob: the answer is none of these. The answer's own methods may raise any other error.
    """
    if answer is None or answer is False:
        return None
    if isinstance(answer, str) and (end := _END.get(answer.strip().lower())) is not None:
        return end
    number = _number(answer)
    if number == 0:
        return None
    if (delay := options.seconds(number)) is None:
        raise InvalidJob(
            f"retry_in answered {_shown(answer)}; it may answer seconds above 0, up to {options.MAX_SECONDS}"
            ' (a number or a timedelta), "kill", "discard", or None for the usual delay, which is taken now'
        )
    return delay


def is_discard(answer: Any) -> bool:
    """Tell whether `retries_exhausted` answers that the job is to be discarded."""
    return isinstance(answer, str) and answer.strip().lower() == "discard"


def _number(answer: Any) -> float | None:
    """Return the seconds that an answer stands for: a number of any kind, a string of one, or a timedelta."""
    if answer is True:
        return None
    if isinstance(answer, timedelta):
        return answer.total_seconds()
    try:
        return float(answer)
    except (TypeError, ValueError, OverflowError):
        return None


def _shown(answer: Any) -> str:
    try:
        return reprlib.repr(answer)
    except BaseException:  # noqa: BLE001 - of the answer's own code
        return f"an object of {type(answer).__qualname__}"
