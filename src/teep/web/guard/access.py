"""What a visitor may see and do, and how the host application is asked about it."""

import inspect
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from teep.errors import InvalidValue

if TYPE_CHECKING:
    from starlette.requests import Request

ArgumentsOf = Callable[[Any], Any]
"""What a job's arguments are shown as: it gets the job's record, and returns plain values."""

Arguments: TypeAlias = Literal["show", "hide"] | ArgumentsOf

VERBS = frozenset({"retry", "delete", "kill", "pause", "process", "edit", "push", "periodic", "limit", "batch"})
"""What there is to do."""


@dataclass(frozen=True)
class Access:
    """What one visitor may do: read, some of `VERBS`, and see the arguments of jobs. `who` is for the audit.

    Raises:
        InvalidValue: there is no such verb, or no such way to show arguments.
    """

    read: bool = True
    act: AbstractSet[str] = frozenset()
    arguments: Arguments = "show"
    who: str = ""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.act) - VERBS):
            near = get_close_matches(unknown[0], VERBS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidValue(f"access knows the verbs {', '.join(sorted(VERBS))}, not {unknown[0]!r}{hint}")
        if not (self.arguments in ("show", "hide") or callable(self.arguments)):
            raise InvalidValue(f'arguments must be "show", "hide" or a function, not {self.arguments!r}')

    def may(self, verb: str) -> bool:
        """Tell whether a verb is allowed."""
        return verb in self.act

    @property
    def sees_arguments(self) -> bool:
        """Whether arguments are shown as they are."""
        return self.arguments == "show"

    def within(self, *, read_only: bool, arguments: Arguments) -> "Access":
        """Return what of this the page as a whole allows. What the page hides, no function shows."""
        shown = arguments if self.arguments == "show" or arguments == "hide" else self.arguments
        return replace(self, act=frozenset() if read_only else self.act, arguments=shown)


VIEWER = Access()
"""Sees everything, changes nothing."""
OPERATOR = Access(act=VERBS - {"delete", "edit", "push"})
"""Does what can be done again: retries, kills, pauses, quiets and stops."""
ADMIN = Access(act=VERBS)
"""Does everything."""

Authorize: TypeAlias = "Callable[[Request], Access | Awaitable[Access | None] | None]"
"""Says what a request may do; None: nobody is logged in."""


async def access_of(authorize: "Authorize | None", request: "Request") -> Access | None:
    """Ask the host application. Without `authorize` everyone who gets here is an admin: the host guards the way."""
    if authorize is None:
        return ADMIN
    answer = authorize(request)
    return await answer if inspect.isawaitable(answer) else answer
