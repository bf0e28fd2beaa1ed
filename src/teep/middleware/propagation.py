"""Context variables that travel with a job: from where it is pushed to where it runs."""

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

# The attributes of the job that runs which no variable is named for.
_others: ContextVar[Mapping[str, Any]] = ContextVar("teep_other_attributes")


class Propagation:
    """Gives a job the values that some context variables have where it is pushed.

    They are set around the job, `def` or `async def`, and so in what it pushes itself. They lie in the payload's
    `cattr`, as Sidekiq's CurrentAttributes puts them, and stay the same through retries and schedules. What Ruby
    wrote there comes along; what no variable is named for goes on unchanged to the jobs that this one pushes.
    A variable that is not set where a job is pushed is left alone where it runs.

    `attributes_of(payload)` reads what a payload carries.

    Args:
        variables: a `ContextVar` for each attribute, by the name it has in the payload. Their values must be JSON.

    Raises:
        ConfigurationError: one of them is no `ContextVar`.
        InvalidArguments: at a push, where a value is not plain JSON; it names the variable.
    """

    def __init__(self, **variables: ContextVar[Any]) -> None:
        self._variables = checked(variables)

    def join(self, config: Chains) -> None:
        """Add it to both chains: outermost around jobs, so that every other middleware finds the variables set.

        Raises:
            ConfigurationError: there is one; the two would write the same field.
        """
        if any(isinstance(getattr(entry, "__self__", None), Propagation) for entry in config.client_middleware):
            raise ConfigurationError("this configuration has a Propagation; name all variables in one")
        config.client_middleware.add(self._save)
        config.server_middleware.prepend(around(self._set))

    def _save(self, job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        # A retry, or a scheduled job that is due, keeps what it was pushed with. So it is written even where it is
        # nothing: who sends a job back by hand does not lend it a context.
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
    """Return the context attributes that a payload carries, whichever Sidekiq wrote them."""
    return {name: attributes.plain(value) for name, value in attributes.read(job).items()}
