"""The services around the shop; these stand-ins write a log line."""

import asyncio
import logging

logger = logging.getLogger(__name__)


class AddressRefused(Exception):
    """The mail server will never take mail for this address."""


def send_mail(to: str, subject: str, body: str) -> None:
    if to.endswith("@invalid"):
        raise AddressRefused(to)
    logger.info("mail to %s: %s (%d characters)", to, subject, len(body))


async def book_courier(order_id: int) -> str:
    """Return the parcel's tracking number."""
    await asyncio.sleep(0.05)
    return f"PARCEL-{order_id:06}"
