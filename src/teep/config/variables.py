"""The environment's variables, `TEEP_` and a setting's name, and those of others that say the same."""

from collections.abc import Mapping
from typing import Any, NamedTuple

# What comes after the variable of teep's own; the environment's name in the order that Sidekiq has.
_ALSO = {"redis_url": ("REDIS_URL",), "environment": ("APP_ENV", "RAILS_ENV", "RACK_ENV")}


class Found(NamedTuple):
    """A setting's value, and where it stands: a flag, a variable, or a file and the key in it."""

    value: Any
    source: str


def find(name: str, environ: Mapping[str, str]) -> Found | None:
    """Return the text of the first variable that says something about a setting; an empty one says nothing."""
    for variable in (f"TEEP_{name.upper()}", *_ALSO.get(name, ())):
        if text := environ.get(variable):
            return Found(text, variable)
    return None


def environment(environ: Mapping[str, str]) -> Found:
    """Return the environment's name as the variables have it, else "development"."""
    return find("environment", environ) or Found("development", "default")
