"""The services around the shop; these stand-ins write a log line."""

import asyncio
import logging

logger = logging.getLogger(__name__)


class AddressRefused(Exception):
    """The mail server will never take mail for this address."""


class CardRefused(Exception):
    """The bank does not pay."""


def charge_card(email: str, order_id: int) -> None:
    if email.endswith("@broke.example"):
        raise CardRefused(email)
    logger.info("order %d is paid by %s", order_id, email)


def send_mail(to: str, subject: str, body: str) -> None:
    if to.endswith("@invalid"):
        raise AddressRefused(to)
    logger.info("mail to %s: %s (%d characters)", to, subject, len(body))


async def book_courier(order_id: int) -> str:
    """Return the parcel's tracking number."""
    await asyncio.sleep(0.05)
    return f"PARCEL-{order_id:06}"
