"""The jobs. Workers import this module, and so does each program that pushes."""

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import teep
from teep.middleware import LogContext, Propagation

from shop import outside
from shop.database import Customer, Order, Product, Session

request_id: ContextVar[str] = ContextVar("request_id")

config = teep.configure(job_defaults={"backtrace": 20})
config.use(Propagation(request_id=request_id), LogContext(request_id=request_id))
teep.encryption.enable(active_version=1, key=teep.encryption.from_env())  # TEEP_KEY_1


@teep.job(queue="mailers", tags=["sign-up"])
def welcome(customer_id: int) -> None:
    with Session() as session:
        email = session.get_one(Customer, customer_id).email
    outside.send_mail(email, "Welcome", "Good to have you.")


def give_up_on_bad_addresses(count: int, error: BaseException, job: dict[str, Any]) -> Literal["kill"] | None:
    return "kill" if isinstance(error, outside.AddressRefused) else None  # None: the usual delay


class SendCode(
    teep.Job,
    queue="mailers",
    encrypt=True,  # the code, which is the last argument
    expires_in=timedelta(minutes=15),
    retry_in=give_up_on_bad_addresses,
    tags=["sign-up"],
):
    def perform(self, email: str, code: str) -> None:
        outside.send_mail(email, "Your code", f"Confirm your address with {code}.")


@teep.job(retry=10)
async def ship(order_id: int) -> None:
    tracking = await outside.book_courier(order_id)
    await asyncio.to_thread(mark_as_shipped, order_id, tracking)


def mark_as_shipped(order_id: int, tracking: str) -> None:
    with Session.begin() as session:
        session.get_one(Order, order_id).tracking = tracking
        ask_for_review.perform_in(timedelta(days=7), order_id)


@teep.job(queue="mailers")
def ask_for_review(order_id: int) -> None:
    with Session() as session:
        order = session.get_one(Order, order_id)
        outside.send_mail(order.customer.email, f"How was {order.product.name}?", "Tell others.")


class ImportProducts(teep.IterableJob, queue="imports"):
    """Goes through the rows of a CSV file (sku,name,stock), and goes on where it stopped."""

    def build_enumerator(self, path: str, *, cursor: int | None) -> Iterator[tuple[dict[str, str], int]]:
        return self.csv_enumerator(path, cursor=cursor)

    def each_iteration(self, row: dict[str, str], path: str) -> None:
        with Session.begin() as session:
            session.merge(Product(sku=row["sku"], name=row["name"], stock=int(row["stock"])))

    def on_complete(self) -> None:
        Path(self.arguments[0]).unlink(missing_ok=True)
