"""Where teep and Sidekiq may differ in what becomes of a payload: the list of docs/api-parity.md, by its names.

Each tells of one aspect of one case, and of a Sidekiq's version, whether it explains that. What nothing explains is a
fault of teep.
"""

from collections.abc import Callable
from typing import Any

from tests.interop.batches import Difference

Explains = Callable[[Difference, str], bool]
# What a job comes to, other than what its payload says.
_OUTCOME = ("place", "runs", "score", "deaths", "exhausted")

# What `sidekiq_retry_in` may answer from Sidekiq 7 on only.
_NO_DELAYS: tuple[Any, ...] = ([], True, False, "kill", "discard")


def is_made_for(name: str) -> Explains:
    return lambda found, _version: found.case.difference == name


def is_field(found: Difference, *names: str) -> bool:
    """Whether it is about one of these fields, wherever the payload was seen."""
    return found.aspect.rpartition(": ")[2] in names


def is_unknown(found: Difference) -> bool:
    return found.case.item.get("class") == "KindMissing"


def has_unknown_class(found: Difference, _version: str) -> bool:
    return is_unknown(found) and is_field(found, "error_class", "error_message")


def is_dropped_without_retry(found: Difference, _version: str) -> bool:
    is_outcome = found.aspect in _OUTCOME or found.aspect.startswith("deaths")
    return is_outcome and is_unknown(found) and found.case.item.get("retry") is None


def lacks_failed_at(found: Difference, _version: str) -> bool:
    item = found.case.item
    has_count = type(item.get("retry_count")) is int
    return (
        found.aspect in _OUTCOME and item.get("retry_for") is not None and has_count and item.get("failed_at") is None
    )


def has_no_option(found: Difference, _version: str) -> bool:
    asked = found.case.item.get("backtrace")
    return (
        is_field(found, "error_backtrace") and asked is None and (found.theirs, found.ours) == ("(absent)", "lines")
    )


def has_defaults_in_front(found: Difference, _version: str) -> bool:
    defaults = ("retry", "queue")
    return is_field(found, "order") and [name for name in found.theirs if name not in defaults] == [
        name for name in found.ours if name not in defaults
    ]


def is_due_without_retry(found: Difference, _version: str) -> bool:
    return is_field(found, "retry") and (found.theirs, found.ours) == (True, "(absent)")


def is_due_without_queue(found: Difference, _version: str) -> bool:
    ends = (found.aspect, found.theirs, found.ours)
    return found.case.item.get("queue", "") is None and ends == ("place", "gone", "queue:default")


def is_newer(found: Difference, version: str) -> bool:
    """Whether it comes of what only a newer Sidekiq does, as teep does."""
    if version >= "8":
        return False
    item = found.case.item
    order = item["args"][0] if item else {}
    if version < "7" and item.get("class") in ("KindDelays", "KindBoth") and order.get("in") in _NO_DELAYS:
        return True  # it fails at such an answer, and takes that for the job's own failure
    if found.aspect not in _OUTCOME:
        return is_field(found, "discarded_at")
    if item.get("retry_for") is not None:
        return True
    if version >= "7":  # a job that is discarded dies unheard
        return found.aspect == "deaths" and "discard" in (order.get("in"), order.get("end"))
    return item.get("wrapped") is not None or order.get("end") == "discard"


# Those that show at a poller alone, and the one that does not show beside Sidekiq 8.
DUE = {"due without retry", "due without queue"}
# Those of which teep makes no run.
NO_RUN = {"no job", "numbers beyond a double"}
NEWER = "what only newer Sidekiqs do"
ALLOWED: dict[str, Explains] = {
    "no job": is_made_for("no job"),
    "fields of another kind": is_made_for("fields of another kind"),
    "deep nesting": is_made_for("deep nesting"),
    "numbers beyond a double": is_made_for("numbers beyond a double"),
    "a key twice": is_made_for("a key twice"),
    "retry_for without failed_at": lacks_failed_at,
    "unknown class without retry": is_dropped_without_retry,
    "the error of an unknown class": has_unknown_class,
    "20 lines of backtrace": has_no_option,
    "due without retry": is_due_without_retry,
    "due without queue": is_due_without_queue,
    "order of the fields": has_defaults_in_front,
    NEWER: is_newer,
}


def explanation(found: Difference, version: str) -> str:
    """The name of the difference that is allowed, or nothing."""
    return next((name for name, explains in ALLOWED.items() if explains(found, version)), "")
