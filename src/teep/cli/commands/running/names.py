"""A job by its name on the command line, and its arguments."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

from teep.cli.command import argument
from teep.errors import ConfigurationError, InvalidValue, ModuleImportError
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.job.definition import Definition

Name = Annotated[
    str, argument(metavar="NAME", help="The job's name, such as app.jobs.welcome; its module is imported.")
]
Args = Annotated[
    tuple[str, ...],
    argument(
        metavar="[ARG]...",
        help='Its arguments, each as JSON: 42, [1], null; what is no JSON is a string. \'"42"\' is the string "42".'
        " Behind -- they may begin with a dash.",
    ),
]


def find(name: str) -> "Definition | None":
    """Return the job with this name, whose module is imported for it; None: there is neither job nor module.

    Raises:
        ModuleImportError: its module raised while it was imported.
        InvalidValue: its module has no such job, but one with a name like it.
    """
    from teep.config.sources.names import meant
    from teep.job.definition import known, registered
    from teep.worker.startup.modules import load

    module = name.rpartition(".")[0]
    if known(name) is None and module:
        try:
            load(module)
        except ModuleImportError:
            raise
        except ConfigurationError:  # there is no such module: it may be a name of Ruby's
            return None
    found = known(name) or _defined_as(name)
    if found is None and (near := meant(name, [definition.name for definition in registered()])):
        raise InvalidValue(f"there is no job {on_one_line(name)}; did you mean {on_one_line(near)}?")
    return found


def _defined_as(name: str) -> "Definition | None":
    """Return the job that a module has under this name, if its name in payloads is another one."""
    from teep.job import Job, Verbs
    from teep.job.classes import name_of
    from teep.job.definition import known

    module, _, last = name.rpartition(".")
    found: Any = getattr(sys.modules.get(module), last, None)
    is_one = isinstance(found, Verbs) or (isinstance(found, type) and issubclass(found, Job))
    return known(name_of(found)) if is_one else None
