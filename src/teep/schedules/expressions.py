"""Reads schedules: cron expressions with aliases, `H` and zones, and `@every`, `@in` and `@at`."""

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from teep.errors import InvalidSchedule
from teep.schedules import durations
from teep.schedules.kinds import Cron, Every, Once, Schedule
from teep.schedules.spreading import spread

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_TIMED = ("@every", "@in", "@at")
_ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z][A-Za-z0-9_+-]*)+|UTC")
_SHAPE = "five fields such as '30 4 * * 1', six with seconds in front, or one of " + ", ".join(
    ("@every 10m", *_ALIASES)
)
# Any time before those that schedules are for: whether one ever fires must not depend on today's date.
_EARLY = 1_704_067_200.0
_COUNTS_FROM = 0.0
_FIRST_YEAR, _LAST_YEAR = 1971, 9998  # whose moments each zone can tell
_LONGEST = 100 * 366 * 86_400


class Written(NamedTuple):
    """A schedule as it was written, taken apart: its expression, and its zone's name ("": UTC)."""

    expression: str
    zone: str


@lru_cache(maxsize=4096)
def schedule_of(expression: str, zone: str, name: str) -> Schedule:
    """Return the schedule that a stored entry of this name has; see `parse`."""
    return _read(expression, zone_of(zone), name)


def parse(text: str, zone: str | None, name: str) -> Written:
    """Check a schedule as a user wrote it, with its zone beside it or in its last word.

    Raises:
        InvalidSchedule: it cannot be read, it never fires, or there is no such zone.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidSchedule(f"a schedule is a string: {_SHAPE}; not {text!r}")
    if zone is not None and not isinstance(zone, str):
        raise InvalidSchedule(f"tz must be the name of a time zone, such as 'Europe/Prague', not {zone!r}")
    expression, of_line = _split(" ".join(text.split()))
    if zone and of_line:
        raise InvalidSchedule(f"{text!r} has a time zone of its own, and tz={zone!r} is another")
    made = Written(expression, of_line or zone or "")
    found = schedule_of(*made, name)
    # From the beginning of time if it is one moment: that may have passed.
    early = _EARLY if isinstance(found, Cron) else _COUNTS_FROM
    if next(iter(found.ticks(early, _COUNTS_FROM)), None) is None:
        raise InvalidSchedule(f"{text!r} never fires: no date of the next fifty years fits it")
    return made


def zone_of(name: str) -> tzinfo:
    """Return a time zone.

    Raises:
        InvalidSchedule: there is none of this name.
    """
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise InvalidSchedule(f"there is no time zone {name!r}{_instead_of(name)}") from None


def _instead_of(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - as below, for a mistake only
    from zoneinfo import available_timezones  # noqa: PLC0415

    known = available_timezones()
    if not known:
        return ": this machine knows none; pip install tzdata"
    near = next(iter(get_close_matches(name, known, 1)), None)
    return f"; did you mean {near!r}?" if near else "; it is named as 'Europe/Prague' is"


def _split(text: str) -> tuple[str, str]:
    """Return a schedule without the zone in its last word, and that zone."""
    head, _, last = text.rpartition(" ")
    is_zone = _ZONE.fullmatch(last) and (head.startswith("@") or len(head.split()) in (5, 6))
    return (head, last) if is_zone else (text, "")


def _read(expression: str, zone: tzinfo, name: str) -> Schedule:
    word, _, rest = expression.partition(" ")
    if word in _TIMED:
        return _timed(word, rest, zone)
    fields = _ALIASES.get(expression, expression)
    if fields.startswith("@"):
        raise InvalidSchedule(f"there is no schedule {expression!r}; a schedule is {_SHAPE}")
    try:
        cron = Cron(" ".join(spread(fields.split(), name)), zone)
        next(iter(cron.ticks(_EARLY, 0.0)), None)
    except (CronSimError, ValueError) as error:
        if _is_never(fields):
            raise InvalidSchedule(f"{expression!r} never fires: no month of it has such a day") from None
        raise InvalidSchedule(f"{expression!r} is no schedule: {_why(error)}; a schedule is {_SHAPE}") from None
    return cron


def _is_never(fields: str) -> bool:
    """Tell whether it is the months alone that keep an expression from firing."""
    words = fields.split()
    try:
        CronSim(" ".join([*words[:-2], "*", *words[-1:]]), datetime.fromtimestamp(_EARLY, UTC))
    except (CronSimError, ValueError):
        return False
    return True


def _why(error: Exception) -> str:
    """Return cronsim's words as a part of a sentence: "Bad minute" as "its minute is wrong"."""
    words = str(error)
    if words.startswith("Bad "):
        return f"its {words.removeprefix('Bad ')} is wrong"
    return words[:1].lower() + words[1:] if isinstance(error, CronSimError) else f"{words!r} is wrong"


def _timed(word: str, rest: str, zone: tzinfo) -> Schedule:
    if word == "@at":
        try:
            at = datetime.fromisoformat(rest)
        except ValueError:
            raise InvalidSchedule(f"@at {rest!r} is no time; write it as '@at 2027-01-31 04:00'") from None
        at = at if at.tzinfo is not None else at.replace(tzinfo=zone)
        if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
            raise InvalidSchedule(f"@at {rest!r} is not between the years {_FIRST_YEAR} and {_LAST_YEAR}")
        return Once(f"Once, at {at:%Y-%m-%d %H:%M:%S}", at=at.timestamp())
    seconds = durations.seconds_of(rest)
    if seconds is None:
        raise InvalidSchedule(f"{word} {rest!r} is no duration; write it as '{word} 90s', '10m', '1h30m' or '2d'")
    if seconds > _LONGEST:
        raise InvalidSchedule(f"{word} {rest!r} is longer than a hundred years")
    if word == "@every":
        return Every(seconds)
    return Once(f"Once, {_full(durations.words_of(seconds))} after its registration", delay=seconds)


def _full(words: str) -> str:
    return words if words[0].isdigit() else f"1 {words}"
