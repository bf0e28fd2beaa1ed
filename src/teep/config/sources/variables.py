"""Reads environment variables: `TEEP_` and a setting's name, and others' names for the same settings."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from teep.config.sources.names import meant

_OWN, _ENVIRONMENT = "TEEP_", "TEEP_ENV"
# Variables that are read after teep's own; those of the environment's name in Sidekiq's order.
_ALSO = {"redis_url": ("REDIS_URL",), "environment": (_ENVIRONMENT, "APP_ENV", "RAILS_ENV", "RACK_ENV")}

FILE = "TEEP_CONFIG"
DATA_DIR = "TEEP_DATA_DIR"


class Found(NamedTuple):
    """A setting's value and its source: a flag, a variable, or a file and the key in it."""

    value: Any
    source: str


def find(name: str, environ: Mapping[str, str]) -> Found | None:
    """Return the string of the first variable that has a setting's value; an empty variable has none."""
    for variable in (f"TEEP_{name.upper()}", *_ALSO.get(name, ())):
        if text := environ.get(variable):
            return Found(text, variable)
    return None


def environment(environ: Mapping[str, str]) -> Found:
    """Return the environment's name that the variables give, else "development"."""
    return find("environment", environ) or Found("development", "default")


def doubts(environ: Mapping[str, str], settings: Iterable[str]) -> Iterator[str]:
    """Return sentences about variables that teep does not read, and that look like typos of some that it does."""
    # Without the prefix that all names have in common, which would make any two of them alike.
    known = [name.upper() for name in settings] + [name.removeprefix(_OWN) for name in (FILE, DATA_DIR, _ENVIRONMENT)]
    for name in sorted(environ):
        tail = name.removeprefix(_OWN)
        if tail not in (name, *known) and (near := meant(tail, known)):
            yield f"teep does not read the variable {name}; did you mean {_OWN}{near}?"
