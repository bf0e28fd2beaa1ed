"""The place where a job was defined, which tells a redefinition of the job from another job with its name.

A module's code runs again when it is reloaded, imported under another name, or typed anew into a notebook. Jobs that
it defines then replace those that it defined before. Within one run each name stands for one job.
"""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType
from typing import Any

# Of the package that this module is in: its frames stand between a definition and its author's code.
_PACKAGE = __name__.rpartition(".")[0] + "."


class Origin:
    """The place of a definition: the job's code, the line that defines it, and the run of a module it was part of.

    A run is told by the module's code and namespace: each import, and each cell of a notebook, has code of its own.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        frame = _definer()
        self._code = code_of(function)
        self._line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        module = _module_around(frame)
        self.run = None if module is None else module.f_code
        self.namespace = None if module is None else module.f_globals

    def is_same_run(self, other: "Origin") -> bool:
        """Whether one run of a module's code defined both."""
        return self.run is other.run and self.namespace is other.namespace

    def repeats(self, known: "Origin") -> bool:
        """Whether this is the definition of `known`, made again."""
        if self.is_same_run(known):
            return False
        return self.namespace is known.namespace or self.source == known.source

    @property
    def source(self) -> tuple[str, ...]:
        """The part that stays the same if a file runs again as another module: its name, and that of the code."""
        files = [code.co_filename for code in (self.run, self._code) if code is not None]
        return (*files, "" if self._code is None else self._code.co_qualname)

    def __str__(self) -> str:
        # Functions that one wrapper or factory made share their code, but not the line that asked for them.
        if self._code is None or "<" in self._code.co_qualname:
            return self._line
        return f"{self._code.co_filename}:{self._code.co_firstlineno}"


def here() -> Origin:
    """Return the place that calls this."""
    return Origin(here)


def code_of(function: Any) -> CodeType | None:
    """Return the code that its author wrote, beneath decorators with functools.wraps, or None: it is written in C."""
    function = inspect.unwrap(function)
    if isinstance(function, partial):
        return code_of(function.func)
    function = getattr(function, "__func__", function)
    code = getattr(function if hasattr(function, "__code__") else type(function).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _definer() -> FrameType:
    frame = sys._getframe(1)  # noqa: SLF001 - the one way there is; `inspect.stack` reads source files
    while str(frame.f_globals.get("__name__")).startswith(_PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _module_around(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that runs the code of a whole module; None in a thread that defines jobs itself."""
    while frame is not None:
        if not frame.f_code.co_flags & inspect.CO_OPTIMIZED and frame.f_locals is frame.f_globals:
            return frame
        frame = frame.f_back
    return None
