"""The question that comes before what is done to many, and whether it was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teep.api.jobs.selection.bounds import TYPED
from teep.web import actions
from teep.web.guard.safety import Form
from teep.web.rendering import page


@dataclass(frozen=True)
class Question:
    """What is asked before: how many it is about, where its form goes and with which fields, and the way back."""

    words: str
    total: int
    path: str
    button: str
    back: str
    why: Sequence[str] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_typed(self) -> bool:
        """Whether the count is typed to confirm."""
        return self.total > TYPED


async def asked(request: Request, form: Form, question: Question) -> Response:
    """Answer with the question; it says so if what was typed is not the count."""
    return await page(request, "fleet/sure.html", question=question, wrong="confirm" in form)


def is_confirmed(form: Form, *, typed: bool) -> bool:
    """Tell whether a form says yes; `typed`: by the count that it showed."""
    if not typed:
        return bool(form.get("confirm", [""])[0].strip())
    return actions.typed(form) is not None
