"""The sessions whose transaction began in this thread or asyncio task."""

import weakref
from contextvars import ContextVar

from sqlalchemy.orm import Session, SessionTransaction

# Weak: a session that is dropped without `close` must not be kept from giving its connection back.
_around: ContextVar[tuple[weakref.ref[Session], ...]] = ContextVar("teep_sqlalchemy_sessions", default=())


def begun(session: Session) -> None:
    """Note that a session's transaction has begun here."""
    _around.set((*_others(session), weakref.ref(session)))


def ended(session: Session) -> None:
    """Note that a session's transaction has ended."""
    _around.set(_others(session))


def sessions() -> list[Session]:
    """Return the sessions whose transaction has begun here and has not ended."""
    return [session for reference in _around.get() if (session := reference()) is not None]


def innermost(session: Session) -> SessionTransaction | None:
    """Return the innermost transaction that is a savepoint or the database's own; a flush's is neither."""
    return session.get_nested_transaction() or session.get_transaction()


def _others(session: Session) -> tuple[weakref.ref[Session], ...]:
    return tuple(reference for reference in _around.get() if reference() not in (None, session))
