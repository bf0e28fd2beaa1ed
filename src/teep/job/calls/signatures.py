"""Signatures of users' functions, and their annotations, which are evaluated only where they are needed.

From Python 3.14 on an annotation is evaluated when it is asked for. One may name what only type checkers import, and
that must keep no function from being a job.
"""

import inspect
import sys
import typing
from collections.abc import Callable
from functools import partial
from typing import Any

from teep.errors import InvalidJob

signature_of: Callable[[Callable[..., Any]], inspect.Signature] = inspect.signature
shown: Callable[[inspect.Signature], str] = str
if sys.version_info >= (3, 14):
    import annotationlib

    signature_of = partial(inspect.signature, annotation_format=annotationlib.Format.STRING)
    shown = partial(inspect.Signature.format, quote_annotation_strings=False)


def hints_of(function: Callable[..., Any], name: str, why: str) -> dict[str, Any]:
    """Return the evaluated annotations of a function, an object with `__call__`, or a class; `name` is for errors.

    Raises:
        InvalidJob: one cannot be evaluated; `why` says who needs it.
    """
    of: Any = function if inspect.isroutine(function) or isinstance(function, type) else type(function).__call__
    of = of.__init__ if isinstance(of, type) else inspect.unwrap(of)  # type: ignore[misc]
    try:
        return typing.get_type_hints(of, include_extras=True)
    except Exception as error:
        raise InvalidJob(
            f"an annotation of {name} cannot be evaluated ({error}), {why}: import what it names at run time"
        ) from error
