"""`where`, on every queue and set: the conditions by which jobs are selected."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

from teep.api.jobs.selection.filters import Conditions, Filter
from teep.errors import UnknownCondition
from teep.job import Job, Verbs

P = ParamSpec("P")
T = TypeVar("T")
Selection = TypeVar("Selection")


def _named(where: Callable[P, T]) -> Callable[P, T]:
    """Refuse conditions with unknown names; the message names the nearest known ones."""

    @wraps(where)
    def checked(*args: P.args, **conditions: P.kwargs) -> T:
        if unknown := sorted(conditions.keys() - Conditions.__annotations__.keys()):
            raise UnknownCondition(_sentence(unknown))
        return where(*args, **conditions)

    return checked


def _sentence(names: list[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - names that are right need none

    known = list(Conditions.__annotations__)
    near = [match for name in names for match in get_close_matches(name, known, 1)]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"where() knows {', '.join(known)}, not {', '.join(names)}{hint}"


class Selectable(Generic[Selection]):
    """The base of queues and sets whose jobs can be selected."""

    def _select(self, chosen: Filter) -> Selection:  # noqa: ARG002 - for what is selected from
        raise TypeError(f"nothing can be selected from {type(self).__qualname__}")

    @_named
    def where(
        self,
        *,
        klass: str | Verbs[...] | type[Job] | None = None,
        error_class: str | None = None,
        error_message: str | None = None,
        tag: str | None = None,
        queue: str | None = None,
        args: Sequence[Any] | None = None,
        match: str | None = None,
        jids: Iterable[str | None] | None = None,
        bid: str | Iterable[str] | None = None,
        older_than: float | None = None,
        newer_than: float | None = None,
    ) -> Selection:
        """Select the jobs that meet all conditions given. Costs nothing until the selection is used.

        Names may be globs, such as "Import*". Redis searches for the conditions' words and returns only matches.

        Args:
            klass: the job's class: its whole name, the last part of a dotted one ("resize" for "app.images.resize"),
                or the job itself, a function or a class. The class that ActiveJob wraps counts, too.
            error_class: the name of the error that it failed with.
            error_message: what that error said; any number in it stands for each, as "#" does.
            tag: one of its tags.
            queue: the queue that its payload names.
            args: its arguments as JSON has them, such as `[42, "eu"]`; 1, 1.0 and True differ. `...` stands for any
                one, and at the end for all that follow: `[42, ...]`. A dict may name some of the keys.
            match: a string anywhere in the JSON, or a glob for the whole JSON if it has a `*`.
            jids: any of these jids, such as those that `perform_bulk` returned.
            bid: the batch that they are of, or several.
            older_than: at least so many seconds old, counted from when it was enqueued, else created.
            newer_than: less than so many seconds old; a job without a time is 0 seconds old.

        Raises:
            UnknownCondition: there is no condition of that name; the message names the nearest one. A `TypeError`.
            InvalidType, InvalidValue: a value is of the wrong kind, or negative.
        """
        return self._select(
            Filter(
                klass=klass,
                error_class=error_class,
                error_message=error_message,
                tag=tag,
                queue=queue,
                args=args,
                match=match,
                jids=jids,
                bid=bid,
                older_than=older_than,
                newer_than=newer_than,
            )
        )
