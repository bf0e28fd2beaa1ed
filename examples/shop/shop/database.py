"""The tables, and the sessions whose commit pushes wait for."""

import os

from sqlalchemy import CheckConstraint, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker
from teep.integrations.sqlalchemy import transactional_push


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)


class Product(Base):
    __tablename__ = "products"
    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    stock: Mapped[int] = mapped_column(CheckConstraint("stock >= 0"))


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"))
    tracking: Mapped[str | None]
    workflow: Mapped[str | None]  # the bid of what is done with it
    customer: Mapped[Customer] = relationship()
    product: Mapped[Product] = relationship()


engine = create_engine(os.environ.get("SHOP_DATABASE", "sqlite:///shop.sqlite3"))
Session = sessionmaker(engine)
transactional_push(Session)
