"""Pushes inside `transaction.atomic` wait for the commit."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from teep.client.delivery.transactions import PendingPush, add_source, send


def transactional_push(*using: str, robust: bool = False) -> None:
    """Hold jobs that are pushed inside `transaction.atomic` until the commit, and drop them at a rollback.

    Savepoints count: a push in a nested `atomic` that is rolled back is dropped with it. Outside of `atomic` a push
    is sent at once. This applies to the whole process; calling it again replaces the arguments. A held push costs
    a PING when it is made and a round trip when it is sent. Sidekiq's transactional_push!.

    Args:
        using: the database aliases that count, "default" if none is given. If there are several, a push waits for all
            that are in a transaction.
        robust: as for `transaction.on_commit`: log a push that fails after the commit and go on, instead of raising.

    Pushing raises:
        TransactionManagementError: autocommit is off outside of `atomic`; then Django cannot tell the commit.
    The end of `atomic` raises:
        NotPushed: Redis failed after the commit. Unless `robust`, Django runs no further on_commit callback then, so
            the error has the transaction's later pushes, too.
    """
    aliases = using or (DEFAULT_DB_ALIAS,)

    def open_transactions() -> Sequence[Transaction]:
        return [Transaction(alias, robust) for alias in aliases if _is_open(alias)]

    add_source("django", open_transactions)


class Transaction(NamedTuple):
    """The transaction that is open on a database in this thread."""

    alias: str
    robust: bool

    def hold(self, held: PendingPush) -> None:
        waiting = _waiting.setdefault(connections[self.alias], WeakKeyDictionary())
        callback = _Callback(held, waiting, self.robust)
        waiting[callback] = None
        transaction.on_commit(callback, using=self.alias, robust=self.robust)


class _Callback:
    """A callback for Django after the commit. Only Django keeps it, and drops it when a savepoint is rolled back."""

    def __init__(self, held: PendingPush, waiting: "WeakKeyDictionary[_Callback, None]", robust: bool) -> None:
        self.__qualname__ = "transactional_push"  # Django logs it
        self._held = held
        self._waiting = waiting
        self._robust = robust

    def __call__(self) -> None:
        self._waiting.pop(self, None)  # a test of Django's may call it twice
        if self._held.is_due():
            send([self._held], self._abandoned)

    def _abandoned(self) -> list[PendingPush]:
        """Return the pushes of later callbacks, which Django does not call if this one raises."""
        return [] if self._robust else [callback._held for callback in self._waiting]  # noqa: SLF001 - its own kind


# The callbacks that a connection's transaction has registered, in that order.
_waiting: WeakKeyDictionary[Any, WeakKeyDictionary[_Callback, None]] = WeakKeyDictionary()


def _is_open(alias: str) -> bool:
    database = connections[alias]
    is_manual = database.connection is not None and not database.autocommit
    return bool(database.in_atomic_block or is_manual)
