"""What a job's own `retry_in` answers: read generously, and refused in a sentence."""

import reprlib
from datetime import timedelta
from typing import Any, Literal

from teep.errors import InvalidJob
from teep.wire import options

_END: dict[str, Literal["kill", "discard"]] = {"kill": "kill", "discard": "discard"}


def delay_or_end(answer: Any) -> float | Literal["kill", "discard"] | None:
    """Return seconds, how the job ends, or None: the usual delay, which 0 and False stand for, too.

    Raises:
        InvalidJob: it is none of these. It may raise anything else that the answer's own code does.
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
    """Return the seconds that an answer stands for: of a number of any kind, or its text, or a timedelta."""
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
