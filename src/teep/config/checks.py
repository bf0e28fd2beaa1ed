"""Checks of the options of a `Config`; each says in a sentence why its option does not fit."""

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from teep import drivers
from teep.config.address import Address
from teep.config.capsules import check_capsules
from teep.config.job_options import defaults_of
from teep.config.queues import QueueOrder
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob
from teep.wire import keys, payload

# An option, and a function of the values of all options that tells why its own does not fit.
_Values = Mapping[str, Any]
_Check = tuple[str, Callable[[_Values], str | None]]


def problems_of(values: _Values) -> dict[str, str]:
    """Return the problems with the values of options, by option."""
    return {name: problem for name, check in _CHECKS if (problem := check(values)) is not None}


def _redis_url(values: _Values) -> str | None:
    url = values["redis_url"]
    if url is None:
        return None
    if not isinstance(url, str):
        # Other values stay out of the message: bytes may have a password.
        named = repr(url) if type(url) is int else f"a {type(url).__name__}"
        return f"redis_url must be a string such as redis://localhost:6379/0, not {named}"
    return _problem(drivers.check_url, url)


def _queues(values: _Values) -> str | None:
    queues = values["queues"]
    return _texts("queues", queues, "default") or _problem(QueueOrder.parse, queues)


def _capsules(values: _Values) -> str | None:
    def check(capsules: Any) -> None:
        served = () if _queues(values) else QueueOrder.parse(values["queues"]).weights
        check_capsules(capsules, served)

    return _problem(check, values["capsules"])


def _labels(values: _Values) -> str | None:
    return _texts("labels", values["labels"], "web")


def _health(values: _Values) -> str | None:
    health = values["health"]
    if health is None:
        return None
    if not isinstance(health, str):
        return f"health must be an address such as 127.0.0.1:7433, not {health!r}"
    return _problem(Address.parse, health)


def _texts(name: str, value: Any, example: str) -> str | None:
    fits = (
        isinstance(value, Collection) and not isinstance(value, str) and all(isinstance(item, str) for item in value)
    )
    return None if fits else f"{name} must be a list of strings, such as [{example!r}], not {value!r}"


def _job_defaults(values: _Values) -> str | None:
    options = values["job_defaults"]
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        return f"job_defaults must be a mapping, such as {{'retry': 5}}, not {options!r}"
    return _problem(defaults_of, options)


def _schedule(values: _Values) -> str | None:
    if values["schedule"] == {}:
        return None
    from teep.config.periodic import entries_of_tables  # noqa: PLC0415 - few programs have such jobs

    return _problem(entries_of_tables, values["schedule"])


def _environment(values: _Values) -> str | None:
    environment = values["environment"]
    fits = isinstance(environment, str) and environment
    return None if fits else f"environment must be a string such as production, not {environment!r}"


def _backtrace_cleaner(values: _Values) -> str | None:
    value = values["backtrace_cleaner"]
    if callable(value) and not inspect.iscoroutinefunction(value):
        return None
    return f"backtrace_cleaner must be a function that takes a list of lines and returns one, not {value!r}"


def _tag(values: _Values) -> str | None:
    tag = values["tag"]
    fits = isinstance(tag, str) and not re.search(r"[\r\n]", tag)
    return None if fits else f"tag must be a string of one line, such as 'web', not {tag!r}"


def _choice(name: str, *allowed: str) -> _Check:
    def check(values: _Values) -> str | None:
        value = values[name]
        return None if value in allowed else f"{name} must be one of {allowed}, not {value!r}"

    return name, check


def _truth(name: str) -> _Check:
    def check(values: _Values) -> str | None:
        value = values[name]
        return None if isinstance(value, bool) else f"{name} must be true or false, not {value!r}"

    return name, check


def _whole(name: str, least: int, *, optional: bool = False) -> _Check:
    def check(values: _Values) -> str | None:
        value = values[name]
        fits = (optional and value is None) or (type(value) is int and value >= least)
        return None if fits else f"{name} must be a whole number from {least}, not {value!r}"

    return name, check


def _seconds(name: str, least: float, most: float = float("inf"), *, optional: bool = False) -> _Check:
    limits = f"at least {least}" if most == float("inf") else f"from {least} to {most}"

    def check(values: _Values) -> str | None:
        value = values[name]
        fits = (optional and value is None) or (type(value) in (int, float) and least <= value <= most)
        return None if fits else f"{name} must be seconds, {limits}, not {value!r}"

    return name, check


def _problem(check: Callable[[Any], Any], value: Any) -> str | None:
    try:
        check(value)
    except (ConfigurationError, InvalidArguments, InvalidJob) as error:
        return str(error)
    return None


_CHECKS: tuple[_Check, ...] = (
    ("redis_url", _redis_url),
    ("queues", _queues),
    ("capsules", _capsules),
    ("labels", _labels),
    ("job_defaults", _job_defaults),
    ("schedule", _schedule),
    ("environment", _environment),
    _choice("timestamps", *get_args(payload.TimeUnit)),
    _choice("leader", "auto", "never", "prefer"),
    _choice("leader_key", *keys.LEASES),
    ("backtrace_cleaner", _backtrace_cleaner),
    ("tag", _tag),
    ("health", _health),
    _truth("history"),
    _truth("skip_default_job_logging"),
    _whole("concurrency", 1),
    _whole("processes", 1),
    _whole("max_rss", 1, optional=True),
    _whole("max_jobs", 1, optional=True),
    _whole("max_retries", 0),
    _whole("dead_max_jobs", 1),
    _seconds("timeout", 0),
    _seconds("max_iteration_runtime", 0.01, optional=True),
    _seconds("watchdog", 0),
    _seconds("dead_timeout", 1),
    _seconds("poll_interval_average", 0.05, optional=True),
    _seconds("average_scheduled_poll_interval", 0.05),
    # A heartbeat must come well within the 60 s after which Redis forgets the process.
    _seconds("heartbeat_interval", 0.1, 20.0),
)
