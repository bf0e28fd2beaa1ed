"""Context variables that travel with a job, from its push to its run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from teep.errors import ConfigurationError
from teep.middleware.around import around
from teep.middleware.chain import Chains
from teep.middleware.variables import checked, values_of
from teep.wire import json
from teep.wire.fields import attributes

# The attributes of the running job that no variable is named for.
_others: ContextVar[Mapping[str, Any]] = ContextVar("teep_other_attributes")


class Propagation:
    """Gives a job the values that some context variables have when it is pushed.

    They are set around the job, `def` or `async def`, and so for jobs that it pushes itself. They lie in the
    payload's `cattr`, as with Sidekiq's CurrentAttributes, and stay the same through retries and schedules.
    Attributes that Ruby wrote come along; those without a variable go on unchanged to the jobs that this one pushes.
    A variable that is not set when a job is pushed is left alone when it runs.

    `attributes_of(payload)` reads the attributes of a payload.

    Args:
        variables: a `ContextVar` for each attribute, by the name it has in the payload. Their values must be JSON.

    Raises:
        ConfigurationError: one of them is no `ContextVar`.
        InvalidArguments: at a push, if a value is not plain JSON; it names the variable.
    """

    def __init__(self, **variables: ContextVar[Any]) -> None:
        self._variables = checked(variables)

    def join(self, config: Chains) -> None:
        """Add it to both chains: outermost around jobs, so that every other middleware finds the variables set.

        Raises:
            ConfigurationError: there is a Propagation already; the two would write the same field.
        """
        if any(isinstance(getattr(entry, "__self__", None), Propagation) for entry in config.client_middleware):
            raise ConfigurationError("this configuration has a Propagation; name all variables in one")
        config.client_middleware.add(self._save)
        config.server_middleware.prepend(around(self._set))

    def _save(self, job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        # A retry, or a scheduled job that is due, keeps the attributes of its push. So the field is written even if
        # it is empty: a program that sends a job back by hand must not give it a context.
        if attributes.FIELD not in job:
            job[attributes.FIELD] = {**_others.get({}), **self._values()}
        return call_next()

    def _values(self) -> dict[str, Any]:
        values = values_of(self._variables)
        for name, value in values.items():
            json.check(value, f"the context variable {name}")
        return values

    @contextmanager
    def _set(self, job: dict[str, Any]) -> Iterator[None]:
        stored = attributes.read(job)
        tokens = [
            (variable, variable.set(attributes.plain(stored.pop(name))))
            for name, variable in self._variables.items()
            if name in stored
        ]
        tokens.append((_others, _others.set(stored)))
        try:
            yield
        finally:
            for variable, token in tokens:
                variable.reset(token)


def attributes_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context attributes of a payload, whichever version of Sidekiq wrote them."""
    return {name: attributes.plain(value) for name, value in attributes.read(job).items()}
