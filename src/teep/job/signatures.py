"""Signatures of users' functions, read without evaluating their annotations.

From Python 3.14 on an annotation is evaluated when it is asked for. One may name what only type checkers import, and
that must keep no function from being a job.
"""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

signature_of: Callable[[Callable[..., Any]], inspect.Signature] = inspect.signature
if sys.version_info >= (3, 14):
    import annotationlib

    signature_of = partial(inspect.signature, annotation_format=annotationlib.Format.STRING)
