"""SQLAlchemy: pushes that wait for a session's commit; see docs/transactions.md.

1. The sessions with a transaction that began in this thread or asyncio task are around a push.
2. A push is held by the innermost transaction of its session: the root, or a savepoint.
3. A released savepoint hands its pushes to the transaction around it; one that ends otherwise drops them.
4. After the root has committed, and has given its connection back, its pushes are sent.
"""

import logging
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from sqlalchemy import event
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction, scoped_session, sessionmaker
from sqlalchemy.util import await_only

from teep.client.delivery.transactions import PendingPush, add_source, send, send_async
from teep.config import extend_default
from teep.integrations.sqlalchemy import around
from teep.integrations.sqlalchemy.sessions import JobSessions

logger = logging.getLogger("teep")

_LEDGER = "teep.ledger"
# Weak, as in `around`.
_chosen: ContextVar[weakref.ref[Session] | None] = ContextVar("teep_sqlalchemy_session", default=None)


def transactional_push(sessions: type[Session] | sessionmaker[Any] | scoped_session[Any] = Session) -> None:
    """Hold jobs that are pushed while a session has a transaction until its commit; drop them at a rollback.

    A session's transaction begins with its first use, be it `add` or a SELECT. A session that is closed without a
    commit drops its pushes, with a warning in the log. Savepoints count. If several sessions have a transaction, a
    push waits for all. A transaction holds the pushes of the thread or asyncio task where it began, and of tasks
    started there; elsewhere use `held_by`. This applies to the whole process. A held push costs a PING when it is
    made; a commit sends up to 1000 jobs a round trip. Sidekiq's transactional_push!.

    A transaction that a job of a worker leaves open is rolled back when the job ends; see `JobSessions`.

    Args:
        sessions: those whose transactions count: a sessionmaker, a scoped_session or a class of sessions; by default
            every session, those inside of an AsyncSession too.

    `commit` raises:
        NotPushed: Redis failed after the database had committed; the session is as after any commit.
    """
    event.listen(sessions, "after_transaction_create", _begun)
    _listen(sessions)
    add_source("sqlalchemy", _open_around)
    extend_default(JobSessions(sessions) if isinstance(sessions, scoped_session) else JobSessions())


@contextmanager
def held_by(session: Session | AsyncSession) -> Iterator[None]:
    """Have pushes inside wait for this session's commit and no other's, wherever its transaction began.

    While the session has no transaction, they are sent at once. Needs no `transactional_push`.
    """
    sync_session = session.sync_session if isinstance(session, AsyncSession) else session
    _HeldPushes.of(sync_session).listen(sync_session)
    add_source("sqlalchemy", _open_around)
    before = _chosen.get()
    _chosen.set(weakref.ref(sync_session))
    try:
        yield
    finally:
        _chosen.set(before)  # not `reset`: a fixture may be entered in one context and left in another


def _listen(target: Any) -> None:
    event.listen(target, "after_commit", _committed)
    event.listen(target, "after_rollback", _rolled_back)
    event.listen(target, "after_transaction_end", _ended)


class _HeldPushes:
    """The pushes that the transactions of one session hold, and the outcome of those that are about to end."""

    def __init__(self) -> None:
        self._held: dict[SessionTransaction, list[PendingPush]] = {}
        self._outcomes: dict[SessionTransaction, Literal["committed", "rolled back"]] = {}
        self._listens = False

    @classmethod
    def of(cls, session: Session) -> "_HeldPushes":
        ledger: _HeldPushes = session.info.setdefault(_LEDGER, cls())
        return ledger

    def listen(self, session: Session) -> None:
        """Listen to this session's ends, once. `event.contains` cannot tell: it knows even dead targets by `id`."""
        if not self._listens:
            self._listens = True
            _listen(session)

    def hold(self, transaction: SessionTransaction, held: Sequence[PendingPush]) -> None:
        self._held.setdefault(transaction, []).extend(held)

    def note(self, session: Session, outcome: Literal["committed", "rolled back"]) -> None:
        if (transaction := around.innermost(session)) is not None:
            self._outcomes[transaction] = outcome

    def close(self, transaction: SessionTransaction) -> list[PendingPush]:
        """Forget a transaction, and return the pushes that its commit has freed."""
        held = self._held.pop(transaction, [])
        outcome = self._outcomes.pop(transaction, "left open")
        if held and outcome == "left open":
            logger.warning("dropped %d pushes: their session was closed without a commit", len(held))
        return held if outcome == "committed" else []


class _OpenSession:
    """A session with an open transaction, as pushes see it."""

    def __init__(self, session: Session, transaction: SessionTransaction) -> None:
        self._session = session
        self._transaction = transaction

    def hold(self, held: PendingPush) -> None:
        _HeldPushes.of(self._session).hold(self._transaction, [held])


def _open_around() -> list[_OpenSession]:
    chosen = _chosen.get()
    sessions = around.sessions() if chosen is None else [chosen()]
    return [
        _OpenSession(session, transaction)
        for session in sessions
        if session is not None and (transaction := around.innermost(session)) is not None
    ]


def _begun(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        around.begun(session)


def _committed(session: Session) -> None:
    _HeldPushes.of(session).note(session, "committed")


def _rolled_back(session: Session) -> None:
    _HeldPushes.of(session).note(session, "rolled back")


def _ended(session: Session, transaction: SessionTransaction) -> None:
    # Not in `after_commit`: the session still has its connection then, and an error would leave it half committed.
    held = _HeldPushes.of(session).close(transaction)
    if transaction.parent is None:
        around.ended(session)
        _send([push for push in held if push.is_due()])
    elif held and (outer := around.innermost(session)) is not None:
        _HeldPushes.of(session).hold(outer, held)


def _send(due: Sequence[PendingPush]) -> None:
    """Send the pushes that are due, on the event loop if an AsyncSession commits."""
    if not due:
        return
    sending = send_async(due)
    try:
        await_only(sending)
    except MissingGreenlet:
        sending.close()
        send(due)
