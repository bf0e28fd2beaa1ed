"""Where a client's pushes go: into a batch, a transaction that holds them, a test's fake, or to Redis."""

from teep.client.delivery import blocks, test_mode, transactions
from teep.config import Config
from teep.store.jobs.pushes import KeptOut, Push
from teep.wire import commands


def is_plain() -> bool:
    """Whether every push goes to Redis at once here."""
    return test_mode.current() is None and not transactions.may_hold() and not blocks.is_inside()


async def deliver(config: Config, push: Push) -> list[KeptOut]:
    """Send a push on its way, and return the jobs that were kept out, as far as that is known by now.

    Inside a batch's block that collects it.
    """
    if (block := blocks.current(config)) is not None:
        await block.take(push)
        return []
    return await send(config, push)


async def send(config: Config, push: Push) -> list[KeptOut]:
    """Send a push to its transaction, its test, or to Redis.

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
