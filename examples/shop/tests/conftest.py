import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

os.environ["TEEP_KEY_1"] = "0" * 64  # before the jobs are imported, which need it

from shop import app
from shop.database import Base, Customer, Product, Session


@pytest.fixture(autouse=True)
def database(tmp_path: Path) -> Iterator[None]:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.sqlite3")
    Base.metadata.create_all(engine)
    Session.configure(bind=engine)
    with Session.begin() as session:
        session.add(Customer(id=1, email="ada@example.org"))
        session.add(Product(sku="apple", name="Apple", stock=1))
    yield
    engine.dispose()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(app, "UPLOADS", tmp_path)
    with TestClient(app.app) as client:
        yield client
