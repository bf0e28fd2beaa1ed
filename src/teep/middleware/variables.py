"""Context variables that users name."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from teep.errors import ConfigurationError

Variables = Mapping[str, ContextVar[Any]]

# A value that no context variable has.
_UNSET = object()


def checked(variables: Variables) -> Variables:
    """Check that all are context variables, and return them.

    Raises:
        ConfigurationError: one is no `ContextVar`, such as a value that was read from one.
    """
    for name, variable in variables.items():
        if not isinstance(variable, ContextVar):
            raise ConfigurationError(f"{name} must be a contextvars.ContextVar, not {variable!r}")
    return variables


def values_of(variables: Variables) -> dict[str, Any]:
    """Return the values of the variables that are set here and now. A variable's default does not count as set."""
    values = {name: variable.get(_UNSET) for name, variable in variables.items()}
    return {name: value for name, value in values.items() if value is not _UNSET}
