"""What jobs do, in a real worker on a real server, both in this process."""

import logging
from datetime import timedelta

import pytest
import teep
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select
from teep.testing import assert_enqueued
from teep.testing.worker import InProcessWorker

from shop.database import Customer, Order, Product, Session
from shop.jobs import SendCode, ask_for_review, fulfil


def sold(email: str = "ada@example.org") -> tuple[int, str]:
    """Sell an apple; returns its order, which is fulfilled from now on, and the bid of its workflow."""
    with Session.begin() as session:
        customer = session.scalar(select(Customer).filter_by(email=email)) or Customer(email=email)
        session.add(order := Order(customer=customer, sku="apple"))
        session.get_one(Product, "apple").stock -= 1
        session.flush()
        order.workflow = bid = fulfil(order.id)
        return order.id, bid


def stock() -> int:
    with Session() as session:
        return session.get_one(Product, "apple").stock


def test_an_order_is_paid_and_shipped(teep_worker: InProcessWorker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "shop")
    order, bid = sold()
    assert teep_worker.drain() == 4
    with Session() as session:
        assert session.get_one(Order, order).tracking == "PARCEL-000001"
    assert "Invoice 1" in caplog.text
    assert_enqueued(ask_for_review, args=[order], at=timedelta(days=7), within=60)
    assert [node.name for node in teep.WorkflowStatus(bid).nodes if node.state != "succeeded"] == ["review"]
    assert stock() == 0


def test_an_order_that_is_not_paid_is_taken_back(client: TestClient, teep_worker: InProcessWorker) -> None:
    order, bid = sold("bo@broke.example")
    steps = f"/orders/{order}/steps"
    assert client.get(steps).json()["steps"]["ship"] == "waiting"
    teep_worker.drain(raise_errors=False)
    assert stock() == 1
    assert client.get(steps).status_code == 404
    assert {node.name: node.state for node in teep.WorkflowStatus(bid).nodes} == {
        "charge": "failed", "invoice": "cancelled", "ship": "cancelled", "review": "cancelled", "settle": "succeeded",
    }  # fmt: skip


def test_all_customers_hear_of_a_product(
    client: TestClient, teep_worker: InProcessWorker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shop")
    bid = client.post("/products/apple/announcement").json()["bid"]
    assert client.get(f"/announcements/{bid}").json()["progress"] == 0.0
    assert teep_worker.drain() == 2
    assert client.get(f"/announcements/{bid}").json() == {
        "description": "news of apple", "progress": 1.0, "state": "success",
    }  # fmt: skip
    assert "1 customers know of apple, 0 do not" in caplog.text


def test_a_week_later_we_ask(teep_worker: InProcessWorker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "shop")
    with Session.begin() as session:
        session.add(Order(customer_id=1, sku="apple"))
    with time_machine.travel("2026-11-24") as clock:
        ask_for_review.perform_in(timedelta(days=7), 1)
        assert teep_worker.drain() == 0
        clock.shift(timedelta(days=7))
        assert teep_worker.drain() == 1
    assert "How was Apple?" in caplog.text


def test_a_refused_address_is_not_tried_again(teep_worker: InProcessWorker) -> None:
    SendCode.perform_async("nobody@invalid", "123456")
    teep_worker.drain(raise_errors=False)
    assert (teep.RetrySet().size(), teep.DeadSet().size()) == (0, 1)


def test_an_import_changes_the_stock(client: TestClient, teep_worker: InProcessWorker) -> None:
    rows = b"sku,name,stock\napple,Apple,70\npear,Pear,5\n"
    client.post("/imports", content=rows, headers={"content-type": "text/csv"})
    assert teep_worker.drain() == 1
    with Session() as session:
        assert {product.sku: product.stock for product in session.query(Product)} == {"apple": 70, "pear": 5}
