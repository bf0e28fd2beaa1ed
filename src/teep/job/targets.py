"""The function that `@teep.job` is given. For anything else the error says what to write."""

import inspect
from collections.abc import Callable
from typing import Any, cast

from teep.errors import InvalidJob
from teep.job.calls.signatures import signature_of
from teep.job.classes import Job
from teep.job.pushing.verbs import Pushable


def function_of(target: Any) -> Callable[..., Any]:
    """Return the function that is to become a job.

    Raises:
        InvalidJob: it is something else.
    """
    if isinstance(target, staticmethod):
        target = target.__func__
    if isinstance(target, Pushable):
        raise InvalidJob(f"{target.definition.name} is a job already; give all its options to one @teep.job(…)")
    if isinstance(target, type):
        raise InvalidJob(f"{target.__qualname__} is a class, and @teep.job takes a function; {_as_class(target)}")
    if isinstance(target, classmethod) or _is_method(target):
        raise InvalidJob(
            f"{target.__qualname__} is a method, which a worker has no object for; write a function, or a class"
            " derived from teep.Job with the method perform"
        )
    if not callable(target):
        raise InvalidJob(f"@teep.job takes a function, not {_shown(target)}; {_advice(target)}")
    return cast("Callable[..., Any]", target)


def _is_method(target: Any) -> bool:
    """Whether it is a function of a class body, which waits for an object to be called on."""
    if not inspect.isfunction(target):
        return False
    owner = target.__qualname__.rpartition(".")[0]
    if not owner or owner.endswith("<locals>"):
        return False
    return next(iter(signature_of(target).parameters), None) in ("self", "cls")


def _as_class(target: type) -> str:
    if issubclass(target, Job):
        return f"its options go behind its base: class {target.__name__}(…, queue=…)"
    return f"derive it from teep.Job, with its options behind: class {target.__name__}(teep.Job, queue=…)"


def _advice(target: Any) -> str:
    if isinstance(target, str):
        return f"for a queue write @teep.job(queue={target!r})"
    return 'give options by their names, such as @teep.job(queue="low")'


def _shown(target: Any) -> str:
    return repr(target) if isinstance(target, (str, int, float)) else type(target).__qualname__
