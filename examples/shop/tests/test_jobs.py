"""What jobs do, in a real worker on a real server, both in this process."""

import logging
from datetime import timedelta

import pytest
import teep
import time_machine
from fastapi.testclient import TestClient
from teep.testing import assert_enqueued
from teep.testing.worker import InProcessWorker

from shop.database import Order, Product, Session
from shop.jobs import SendCode, ask_for_review, ship


@pytest.fixture
def order() -> int:
    with Session.begin() as session:
        session.add(order := Order(customer_id=1, sku="apple"))
        session.flush()
        return order.id


def test_a_shipped_order_has_a_tracking_number(order: int, teep_worker: InProcessWorker) -> None:
    ship.perform_async(order)
    assert teep_worker.drain() == 1
    with Session() as session:
        assert session.get_one(Order, order).tracking == "PARCEL-000001"
    assert_enqueued(ask_for_review, args=[order], at=timedelta(days=7), within=60)


def test_a_week_later_we_ask(order: int, teep_worker: InProcessWorker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "shop")
    with time_machine.travel("2026-11-24") as clock:
        ask_for_review.perform_in(timedelta(days=7), order)
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
