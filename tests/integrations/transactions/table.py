"""A table, as SQLAlchemy sees it."""

from sqlalchemy import Engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Failed(Exception):
    """What rolls a transaction back in these tests."""


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "rows_of_test"
    value: Mapped[int] = mapped_column(primary_key=True)


def rows(engine: Engine) -> list[int]:
    with Session(engine) as session:
        return sorted(session.scalars(select(Row.value)))
