"""What requests push. Nothing runs, and there is no Redis but in the tests that ask for `teep_redis`."""

import pytest
import teep
from fastapi.testclient import TestClient
from teep.middleware import attributes_of
from teep.testing import assert_enqueued, refute_enqueued

from shop.jobs import ImportProducts, SendCode, charge, tell, welcome


def test_a_sign_up_is_welcomed(client: TestClient) -> None:
    customer = client.post("/customers", json={"email": "lin@example.org"}).json()
    assert_enqueued(welcome, args=[customer["id"]], queue="mailers")


def test_the_code_of_a_sign_up_is_a_secret(client: TestClient) -> None:
    client.post("/customers", json={"email": "lin@example.org"})
    job = assert_enqueued(SendCode, args=["lin@example.org", ...])
    assert job.display_args == ["lin@example.org", "[encrypted data]"]
    assert len(teep.encryption.decrypt(job.args[1])) == 6


def test_an_address_signs_up_once(client: TestClient) -> None:
    assert client.post("/customers", json={"email": "ada@example.org"}).status_code == 409
    refute_enqueued(welcome)


def test_only_what_was_sold_is_charged(client: TestClient) -> None:
    wanted = {"customer_id": 1, "sku": "apple"}
    assert client.post("/orders", json=wanted).status_code == 201
    assert client.post("/orders", json=wanted).status_code == 409  # there was one
    assert len(teep.testing.all_enqueued(charge)) == 1


def test_jobs_carry_the_name_of_their_request(client: TestClient) -> None:
    client.post("/orders", json={"customer_id": 1, "sku": "apple"}, headers={"x-request-id": "r-17"})
    assert attributes_of(assert_enqueued(charge).item) == {"request_id": "r-17"}


def test_news_go_to_all_customers(client: TestClient) -> None:
    client.post("/customers", json={"email": "lin@example.org"})
    bid = client.post("/products/apple/announcement").json()["bid"]
    jobs = teep.testing.all_enqueued(tell)
    assert [(job.args, job.bid) for job in jobs] == [([1, "apple"], bid), ([2, "apple"], bid)]


@pytest.mark.usefixtures("teep_redis")
def test_an_import_can_be_cancelled(client: TestClient) -> None:
    jid = client.post("/imports", content=b"sku,name,stock\n", headers={"content-type": "text/csv"}).json()["jid"]
    assert client.get("/status").json()["queues"][0]["name"] == "imports"
    assert client.delete(f"/imports/{jid}").json() == {"was": "queued"}
    refute_enqueued(ImportProducts)
