"""What is remembered of a job that was pushed."""

from dataclasses import dataclass

from tests.chaos.kinds import LIMITED, Fate, Lot, Slot
from tests.chaos.timeline import Span


@dataclass(frozen=True)
class Pushed:
    """A job as it was pushed, during `span`. One whose push was not confirmed may or may not have got through.

    `refused`: another one has the lock of its `slot`, so it was not pushed. `expiry`: when it is too late (monotonic
    seconds), on a clock that is right. `deleted`: when it was, if it was or may have been.
    """

    fate: Fate
    confirmed: bool
    span: Span = Span(0.0, 0.0)  # noqa: RUF009 - a tuple, which nobody changes
    items: int = 0
    slot: Slot | None = None
    refused: bool = False
    expiry: float | None = None
    limited: bool = False
    deleted: Span | None = None

    @property
    def is_due(self) -> bool:
        """Whether it must be run to its end."""
        return self.confirmed and not self.refused and self.deleted is None

    @classmethod
    def of(cls, lot: Lot, span: Span, *, confirmed: bool, refused: bool = False) -> "Pushed":
        """Return what there is to know of each job of a lot."""
        return cls(
            lot.fate,
            confirmed,
            span,
            lot.items,
            lot.slot,
            refused=refused,
            expiry=None if lot.expires_in is None else span.begin + lot.delay + lot.expires_in,
            limited=lot.job == LIMITED,
        )
