"""Periodic jobs as code and files declare them: checked, and written as the entries that the leader publishes.

1. `entry_of` makes an entry of a schedule, a job and options. Whatever cannot be is refused there, in a sentence.
2. `declare` keeps the entries of decorated jobs, for the whole process.
3. `entries_of` returns all of a configuration: of decorators, of `Config.periodic`, and of `Config(schedule=…)`.
"""

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple, Self, TypedDict, get_args

from teep.config.job_options import fields_of
from teep.config.sources import names
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob, InvalidSchedule, InvalidType
from teep.store.periodic import entries
from teep.store.periodic.entries import CatchUp, Entry, Overlap
from teep.wire import json, options, payload
from teep.wire.payload import Item

_EXAMPLE = '{cron = "0 4 * * *", class = "SomeJob"}'
_SCHEDULES = {"cron": "", "every": "@every ", "in": "@in ", "at": "@at "}


class How(NamedTuple):
    """How an entry is fired: see `Config.periodic`."""

    tz: str | None = None
    catch_up: CatchUp = "latest"
    grace: float = 3600.0
    overlap: Overlap = "allow"
    jitter: float = 0.0
    description: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Return what options say.

        Raises:
            InvalidSchedule: there is no such option.
        """
        if strange := options.keys() - set(cls._fields):
            raise InvalidSchedule(f"a periodic job has no option {min(strange)!r}; it has {', '.join(cls._fields)}")
        return cls(**options)


class HowOptions(TypedDict, total=False):
    """The fields of `How` as options."""

    tz: str | None
    catch_up: CatchUp
    grace: float
    overlap: Overlap
    jitter: float
    description: str


_KEYS = (*_SCHEDULES, "class", "args", "kwargs", *How._fields)


def entry_of(schedule: str, item: Mapping[str, Any], how: How, name: str | None = None) -> Entry:
    """Return the entry of a job, given as the payload that is to be pushed.

    Raises:
        InvalidSchedule: it never fires, or cannot be read, or there is no such time zone.
        InvalidJob, InvalidArguments: the job cannot be pushed, or an option does not fit.
    """
    from teep.schedules import parse  # noqa: PLC0415 - few programs have such jobs

    job = _checked(item)
    named = job["class"] if name is None else name
    if not named or not entries.is_text(named):
        raise InvalidSchedule(f"the name of a periodic job is a string of Unicode, not {named!r}")
    try:
        _check(how, job)
        written = parse(schedule, how.tz, named)
    except InvalidSchedule as error:
        raise InvalidSchedule(f"{named}: {error}") from None
    return Entry(
        name=named,
        schedule=written.expression,
        tz=written.zone,
        job=job,
        catch_up=how.catch_up,
        grace=float(how.grace),
        overlap=how.overlap,
        jitter=float(how.jitter),
        description=how.description,
    )


def payload_of(
    job: Any, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, queue: str | None = None
) -> Item:
    """Return the payload of a job with its arguments; the job may be the name of a class that only others know.

    `queue` is another queue than its own.

    Raises:
        InvalidType: it is no job.
        InvalidJob, InvalidArguments: it takes no such arguments.
    """
    if not isinstance(args, (list, tuple)):
        raise InvalidArguments(f"args must be a list, not {args!r:.200}")
    if not isinstance(kwargs, (Mapping, NoneType)):
        raise InvalidArguments(f"kwargs must be a dict, not {kwargs!r:.200}")
    elsewhere = {} if queue is None else {"queue": queue}
    if isinstance(job, str):
        return elsewhere | {"class": job, "args": list(args), **({"kwargs": dict(kwargs)} if kwargs else {})}
    if not hasattr(job, "to_payload"):
        raise InvalidType(f"{job!r:.200} is no job; make it one with @teep.job, or give the name of a class")
    found: Item = job.to_payload(tuple(args), dict(kwargs or {}))
    return found | elsewhere


def entry_of_table(name: str, table: Any) -> Entry:
    """Return the entry that a file has, such as `{cron = "0 4 * * *", class = "SomeJob", args = [1]}`.

    Raises:
        InvalidSchedule, InvalidJob, InvalidArguments: as `entry_of`.
    """
    if not isinstance(table, Mapping):
        raise InvalidSchedule(f"{name}: a periodic job is a table such as {_EXAMPLE}, not {table!r}")
    written = [f"{prefix}{table[key]}" for key, prefix in _SCHEDULES.items() if key in table]
    if len(written) != 1:
        raise InvalidSchedule(f"{name}: a periodic job has one of {', '.join(_SCHEDULES)}; it has {len(written)}")
    if not isinstance(table.get("class"), str):
        raise InvalidSchedule(f"{name}: a periodic job has a class, such as {_EXAMPLE}")
    given = {key: value for key, value in table.items() if key not in _KEYS}
    for key in given:
        if key not in options.OPTIONS and (near := names.meant(key, (*_KEYS, *options.OPTIONS))):
            raise InvalidSchedule(f"{name}: a periodic job has no {key!r}; did you mean {near!r}?")
    args = table.get("args", [])
    item = fields_of(name, given) | payload_of(
        table["class"], args if isinstance(args, list) else [args], table.get("kwargs")
    )
    return entry_of(written[0], item, How(**{key: table[key] for key in How._fields if key in table}), name)


def entries_of_tables(tables: Any) -> dict[str, Entry]:
    """Return the entries of `Config(schedule=…)`, by name.

    Raises:
        InvalidSchedule, InvalidJob, InvalidArguments: as `entry_of`.
    """
    if not isinstance(tables, Mapping):
        raise InvalidSchedule(f"schedule must hold periodic jobs by their names, each as {_EXAMPLE}, not {tables!r}")
    return {str(name): entry_of_table(str(name), table) for name, table in tables.items()}


class Declared(NamedTuple):
    """An entry that code declares, and the job that it was declared for, another one after a reload of its module."""

    entry: Entry
    owner: object


_decorated: dict[str, Declared] = {}


def declare(entry: Entry, owner: object) -> None:
    """Keep the entry of a decorated job.

    Raises:
        InvalidSchedule: another one has that name.
    """
    known = _decorated.get(entry.name)
    if known is not None and (known.owner is owner or known.entry.job["class"] != entry.job["class"]):
        raise twice(entry.name)
    _decorated[entry.name] = Declared(entry, owner)


def twice(name: str) -> InvalidSchedule:
    """Return the error for two entries of one name."""
    return InvalidSchedule(f"two periodic jobs have the name {name!r}; give one of them another name=")


def decorated() -> list[Entry]:
    """Return the entries of decorated jobs."""
    return [declared.entry for declared in _decorated.values()]


def entries_of(config: Any) -> dict[str, Entry]:
    """Return all entries that a `Config` has, and those of decorated jobs, by name; each is a static one.

    Raises:
        ConfigurationError: two have the same name.
    """
    found: dict[str, Entry] = {}
    of_file = entries_of_tables(config.schedule).values() if config.schedule else ()
    for entry in (*decorated(), *config.hooks.periodic, *of_file):
        if entry.name in found:
            raise ConfigurationError(str(twice(entry.name)))
        found[entry.name] = entry._replace(source="static")
    return found


def _checked(item: Mapping[str, Any]) -> Item:
    """Return a payload that can be pushed at every tick."""
    job = dict(item)
    payload.validate(job)
    json.check_fields(job)
    options.check(job)
    if job.pop("at", None) is not None:
        raise InvalidJob(f"{job['class']} is to be pushed for a time of its own; a periodic job has its schedule")
    if job.get("encrypt"):
        raise InvalidJob(f"{job['class']} encrypts its last argument, which would lie in its entry for all to read")
    return job


def _check(how: How, job: Item) -> None:
    for name, value, allowed in (
        ("catch_up", how.catch_up, get_args(CatchUp)),
        ("overlap", how.overlap, get_args(Overlap)),
    ):
        if value not in allowed:
            raise InvalidSchedule(f"{name} must be one of {allowed}, not {value!r}")
    for name, seconds in (("grace", how.grace), ("jitter", how.jitter)):
        if type(seconds) not in (int, float) or not 0 <= seconds <= options.MAX_SECONDS:
            raise InvalidSchedule(f"{name} must be seconds, at least 0, not {seconds!r}")
    if not entries.is_text(how.description):
        raise InvalidSchedule(f"description must be a string of Unicode, not {how.description!r}")
    if how.overlap == "skip" and job.get("unique_for"):
        raise InvalidSchedule("its job is unique, which keeps runs apart already; leave out overlap, or unique_for")
