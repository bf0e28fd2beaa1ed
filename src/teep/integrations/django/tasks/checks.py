"""What `manage.py check` says of the backend's settings, and with `--database` of Redis and the workers."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from django.core import checks

from teep.api import ProcessSet
from teep.config.sources.names import meant
from teep.errors import TeepError


class Backend(Protocol):
    """The settings of a backend."""

    alias: str
    options: Mapping[str, Any]
    queues: Collection[str]
    priorities: Mapping[int, str]


def of_options(backend: Backend, known: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what is wrong with `OPTIONS`."""
    where = f"OPTIONS of the task backend {backend.alias!r}"
    for name in backend.options:
        if name not in known:
            hint = f"did you mean {near!r}?" if (near := meant(name, known)) else f"there are {', '.join(known)}"
            yield checks.Error(f"{where} have no {name!r}", hint=hint, id="teep.E001")
    for least, suffix in backend.priorities.items():
        if not isinstance(least, int) or not isinstance(suffix, str):
            yield checks.Error(
                f'"priorities" in {where} must be like {{50: "high", 0: "", -50: "low"}}', id="teep.E002"
            )
            return


def of_redis(backend: Backend) -> Iterator[Any]:
    """Yield what is wrong with Redis and the workers just now."""
    try:
        processes = list(ProcessSet(clean=False))
    except TeepError as error:
        yield checks.Warning(f"tasks cannot be enqueued now: {error}", id="teep.W001")
        return
    if not processes:
        return  # they may be started later
    served = {queue for process in processes for queue in process.queues}
    if missing := [queue for queue in queues_of(backend) if queue not in served]:
        yield checks.Warning(
            f"no worker serves {', '.join(missing)}, where tasks of the backend {backend.alias!r} may go",
            hint="serve them, in this order: teep worker " + " ".join(f"-q {queue}" for queue in queues_of(backend)),
            id="teep.W002",
        )


def queues_of(backend: Backend) -> list[str]:
    """Return the queues of a backend's tasks, those of higher priorities first."""
    suffixes = [backend.priorities[least] for least in sorted(backend.priorities, reverse=True)]
    if "" not in suffixes:
        suffixes.append("")
    names = sorted(backend.queues)
    return [f"{name}.{suffix}" if suffix else name for suffix in suffixes for name in names]
