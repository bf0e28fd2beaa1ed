"""The jobs. Workers import this module, and so does each program that pushes."""

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import teep
from sqlalchemy import select
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


def fulfil(order_id: int) -> str:
    """Do what an order takes, each step when its time has come; returns the bid of the workflow."""
    workflow = teep.Workflow(f"order {order_id}", tags=["order"])
    paid = workflow.add("charge", charge.s(order_id))
    workflow.add("invoice", send_invoice.s(order_id), after=paid)
    shipped = workflow.add("ship", ship.s(order_id), after=paid)
    workflow.add("review", ask_for_review.s(order_id).set(wait=timedelta(days=7)), after=shipped)
    workflow.add("settle", settle.s(order_id), after=[paid, shipped], when="always")
    return workflow.start().bid


def give_up_on_bad_cards(count: int, error: BaseException, job: dict[str, Any]) -> Literal["kill"] | None:
    return "kill" if isinstance(error, outside.CardRefused) else None


@teep.job(retry_in=give_up_on_bad_cards)
def charge(order_id: int) -> None:
    with Session() as session:
        email = session.get_one(Order, order_id).customer.email
    outside.charge_card(email, order_id)  # it knows the order, so a second run charges nothing


@teep.job(queue="mailers")
def send_invoice(order_id: int) -> None:
    with Session() as session:
        order = session.get_one(Order, order_id)
        outside.send_mail(order.customer.email, f"Invoice {order_id}", f"One {order.product.name}, paid.")


@teep.job(retry=10)
async def ship(order_id: int) -> None:
    tracking = await outside.book_courier(order_id)
    await asyncio.to_thread(mark_as_shipped, order_id, tracking)


def mark_as_shipped(order_id: int, tracking: str) -> None:
    with Session.begin() as session:
        session.get_one(Order, order_id).tracking = tracking


@teep.job(queue="mailers")
def ask_for_review(order_id: int) -> None:
    with Session() as session:
        order = session.get_one(Order, order_id)
        outside.send_mail(order.customer.email, f"How was {order.product.name}?", "Tell others.")


@teep.job
def settle(order_id: int) -> None:
    """Whatever became of the steps before: an order that was not shipped is taken back."""
    with Session.begin() as session:
        order = session.get_one(Order, order_id)
        if order.tracking is None and order.workflow is not None:
            order.workflow = None  # so that a second run gives nothing back
            order.product.stock += 1


def announce(sku: str) -> str:
    """Tell all customers of a product, and note the end; returns the bid of the batch."""
    with Session() as session:
        customers = session.scalars(select(Customer.id)).all()
    batch = teep.Batch(description=f"news of {sku}", tags=["news"]).on("finish", note_announcement, sku)
    with batch.jobs():
        tell.perform_bulk((customer_id, sku) for customer_id in customers)
    return batch.bid


@teep.job(queue="mailers", retry=3)
def tell(customer_id: int, sku: str) -> None:
    with Session() as session:
        email, name = session.get_one(Customer, customer_id).email, session.get_one(Product, sku).name
    outside.send_mail(email, f"{name} is here", "Come and see.")


@teep.job
def note_announcement(sku: str) -> None:
    if (job := teep.current_job()) is not None and job.batch is not None:
        status = teep.BatchStatus(job.batch.bid)
        outside.logger.info("%d customers know of %s, %d do not", status.total - status.dead, sku, status.dead)


class ImportProducts(teep.IterableJob, queue="imports"):
    """Goes through the rows of a CSV file (sku,name,stock), and goes on where it stopped."""

    def build_enumerator(self, path: str, *, cursor: int | None) -> Iterator[tuple[dict[str, str], int]]:
        return self.csv_enumerator(path, cursor=cursor)

    def each_iteration(self, row: dict[str, str], path: str) -> None:
        with Session.begin() as session:
            session.merge(Product(sku=row["sku"], name=row["name"], stock=int(row["stock"])))

    def on_complete(self) -> None:
        Path(self.arguments[0]).unlink(missing_ok=True)
