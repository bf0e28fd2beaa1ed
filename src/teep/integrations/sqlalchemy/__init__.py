"""SQLAlchemy: pushes that wait for a session's commit, and sessions that end with a job; see docs/transactions.md."""

from teep.integrations.sqlalchemy.sessions import JobSessions
from teep.integrations.sqlalchemy.transactions import held_by, transactional_push

__all__ = ["JobSessions", "held_by", "transactional_push"]
