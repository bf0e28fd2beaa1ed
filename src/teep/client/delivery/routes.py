"""Where a client's pushes go: into a transaction that holds them, to a test's fake, or to Redis."""

from teep.client.delivery import test_mode, transactions
from teep.config import Config
from teep.store.jobs.pushes import KeptOut, Push
from teep.wire import commands


def is_plain() -> bool:
    """Whether every push goes to Redis at once here."""
    return test_mode.current() is None and not transactions.may_hold()


async def deliver(config: Config, push: Push) -> list[KeptOut]:
    """Send a push on its way, and return the jobs that were kept out, as far as that is known by now.

    Before a push is held by a transaction a PING is sent: an outage shows while the transaction can be rolled back.
    """
    redirect = test_mode.current()
    if push.transactional and (around := transactions.around()):
        if redirect is None:
            await commands.ping()
        transactions.hold(config, push, around)
        return []
    if redirect is not None:
        await redirect.take(config, push)
        return []
    return await push
