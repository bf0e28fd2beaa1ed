"""The web application: it answers at once, and leaves to jobs what takes time."""

import os
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import teep
from fastapi import Body, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, NoResultFound

from shop.database import Customer, Order, Product, Session
from shop.jobs import ImportProducts, SendCode, announce, fulfil, request_id, welcome

# Web and worker must both see it.
UPLOADS = Path(os.environ.get("SHOP_UPLOADS", tempfile.gettempdir()))

app = FastAPI(title="shop")


@app.middleware("http")
async def identify(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Name the request; its jobs log that name, too, and so do those that they push."""
    request_id.set(request.headers.get("x-request-id") or uuid4().hex)
    response = await call_next(request)
    response.headers["x-request-id"] = request_id.get()
    return response


@app.exception_handler(NoResultFound)
def not_found(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "there is no such thing"}, 404)


@app.exception_handler(IntegrityError)
def conflict(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "the address is taken, or nothing is left"}, 409)


@app.post("/customers", status_code=201)
def sign_up(email: Annotated[str, Body(embed=True)]) -> dict[str, int]:
    with Session.begin() as session:
        session.add(customer := Customer(email=email))
        session.flush()
        welcome.perform_async(customer.id)  # held until the commit, dropped at a rollback
        SendCode.perform_async(email, f"{secrets.randbelow(1_000_000):06}")
        return {"id": customer.id}


@app.post("/orders", status_code=201)
def order(customer_id: Annotated[int, Body()], sku: Annotated[str, Body()]) -> dict[str, int]:
    with Session.begin() as session:
        order = Order(customer=session.get_one(Customer, customer_id), product=session.get_one(Product, sku))
        session.add(order)
        session.flush()
        order.workflow = fulfil(order.id)  # it starts at the commit
        # Where none is left the database refuses this, and there is neither an order nor its job.
        session.execute(update(Product).where(Product.sku == sku).values(stock=Product.stock - 1))
        return {"id": order.id}


@app.get("/orders/{order_id}")
def show_order(order_id: int) -> dict[str, str | None]:
    with Session() as session:
        order = session.get_one(Order, order_id)
        return {"sku": order.sku, "tracking": order.tracking}


@app.get("/orders/{order_id}/steps")
async def show_steps(order_id: int) -> dict[str, Any]:
    with Session() as session:
        bid = session.get_one(Order, order_id).workflow
    if bid is None:
        raise HTTPException(404, "it was taken back")
    status = await teep.AsyncWorkflowStatus.fetch(bid)
    return {"state": status.state, "steps": {node.name: node.state for node in status.nodes}}


@app.post("/products/{sku}/announcement", status_code=202)
def start_announcement(sku: str) -> dict[str, str]:
    return {"bid": announce(sku)}


@app.get("/announcements/{bid}")
async def show_announcement(bid: str) -> dict[str, Any]:
    status = await teep.AsyncBatchStatus.fetch(bid)
    return {"description": status.description, "progress": status.progress, "state": status.state}


@app.post("/imports", status_code=202)
def start_import(csv: Annotated[bytes, Body(media_type="text/csv")]) -> dict[str, str | None]:
    path = UPLOADS / f"{uuid4().hex}.csv"
    path.write_bytes(csv)
    return {"jid": ImportProducts.perform_async(str(path))}


@app.get("/imports/{jid}")
async def show_import(jid: str) -> dict[str, Any]:
    state = (await teep.AsyncIterableJobQuery.fetch([jid]))[jid]
    if state is None:
        raise HTTPException(404, "it has not begun, or is over")
    return {"rows": state.cursor, "seconds": state.runtime, "cancelled": state.cancelled}


@app.delete("/imports/{jid}")
async def cancel_import(jid: str) -> dict[str, str]:
    where = await teep.AsyncClient().cancel(jid)
    if where is None:
        raise HTTPException(404)
    return {"was": where}


@app.get("/status")
async def status() -> dict[str, Any]:
    stats = await teep.AsyncStats.fetch()
    return {
        "processed": stats.processed,
        "failed": stats.failed,
        "scheduled": stats.scheduled_size,
        "retrying": stats.retry_size,
        "dead": stats.dead_size,
        "queues": [queue._asdict() for queue in await stats.queue_summaries()],
        "running": [work.job.klass async for _, _, work in teep.AsyncWorkSet()],
    }
