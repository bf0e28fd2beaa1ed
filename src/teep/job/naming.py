"""The default name of a job on the wire: the dotted path by which a worker finds it."""

import sys
from pathlib import Path
from typing import Any

from teep.errors import InvalidJob

# As a script, and as multiprocessing runs that script once more in a process that it spawns.
_SCRIPTS = ("__main__", "__mp_main__")


def dotted_name(thing: Any) -> str:
    """Return the default name of a job: its dotted path, even if its module runs as a script.

    Raises:
        InvalidJob: no worker could find it by that path.
    """
    module, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(path, str):
        raise InvalidJob(f"{thing!r} has no name that a worker could find it by; write a def, or give it a name=")
    name = f"{_imported_as(module)}.{path}"
    if path.endswith("<lambda>"):
        raise InvalidJob(f"{name} has no name that a worker could find it by; write a def, or give it a name=")
    if "<locals>" in path:
        raise InvalidJob(
            f"{name} is made inside of a function, so no worker finds it by that path; move it to the top of its"
            " module. If a decorator made it, put functools.wraps into that decorator. If importing the module"
            " makes it, give it a name="
        )
    return name


def _imported_as(module: str) -> str:
    """Return the name that an import gives a module, such as a worker's; `__main__` if nothing could import it."""
    if module not in _SCRIPTS:
        return module
    main = sys.modules[module]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name.removesuffix(".__main__"))
    path = getattr(main, "__file__", None)
    return "__main__" if path is None or path.startswith("<") else Path(path).stem  # such as "<stdin>"
