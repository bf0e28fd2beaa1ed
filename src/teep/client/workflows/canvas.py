"""`chain` and `group`: workflows of a usual shape."""

from collections.abc import Iterable
from typing import Any

from teep.client.client import BoundJob
from teep.client.workflows.workflow import Workflow

Part = BoundJob | Workflow


def chain(*parts: Part | Iterable[Part], name: str | None = None, **options: Any) -> Workflow:
    """Return a workflow of jobs that run one after the other: `teep.chain(a.s(1), b.s(2)).start()`. Celery's chain.

    A part is a job with its arguments, or a chain or group. Its nodes are called "1", "2" and so on, those of a part
    "2.1", "2.2". A part that fails stops those after it. No result is handed on: see `teep.result`.

    Args:
        parts: signatures, chains and groups, or one iterable of them.
        name, options: as of `Workflow`.

    Raises:
        InvalidType: a part is none of these.
    """
    workflow = Workflow(name, **options)
    last: str | None = None
    for number, part in enumerate(_parts(parts), start=1):
        if isinstance(part, Workflow) and part.is_empty:
            continue
        last = workflow.embed(str(number), part, last)
    return workflow


def group(*parts: Part | Iterable[Part], name: str | None = None, **options: Any) -> Workflow:
    """Return a workflow of jobs that run side by side: `teep.group(a.s(n) for n in range(9)).start()`.

    In a chain, what comes next waits for all of them: Celery's chord. See `chain` for the parts and their names.
    """
    workflow = Workflow(name, **options)
    for number, part in enumerate(_parts(parts), start=1):
        workflow.embed(str(number), part, None)
    return workflow


def _parts(parts: tuple[Part | Iterable[Part], ...]) -> Iterable[Any]:
    if len(parts) == 1 and not isinstance(parts[0], (BoundJob, Workflow)):
        return parts[0]
    return parts
