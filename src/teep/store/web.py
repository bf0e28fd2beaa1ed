"""What the processes that serve the web page share: a secret, which signs what a browser brings back, and actions."""

from teep.wire import commands, keys

# Seconds that a secret is used: with the next one, forms that are still open have to be sent again.
_KEPT = 400 * 86_400
# Seconds that an action can be read after it was last written.
_ACTION_KEPT = 3_600


async def secret(fresh: bytes) -> bytes:
    """Return the shared secret, which is `fresh` if there was none. One round trip, three the first time."""
    if (found := await commands.get(keys.web_secret())) is not None:
        return found
    await commands.set_if_absent(keys.web_secret(), fresh, _KEPT)
    return await commands.get(keys.web_secret()) or fresh


async def write_action(name: str, state: bytes) -> bool:
    """Write the state of an action; True if it was cancelled. One round trip."""
    key = keys.web_action(name)
    _, cancelled, _ = await commands.pipeline(
        commands.hset(key, {"state": state}), commands.hget(key, "cancelled"), commands.expire(key, _ACTION_KEPT)
    )
    return cancelled is not None


async def action(name: str) -> bytes | None:
    """Return the state of an action. One round trip."""
    return await commands.hget(keys.web_action(name), "state")


async def cancel_action(name: str) -> None:
    """Note that an action is to end. One round trip."""
    key = keys.web_action(name)
    await commands.pipeline(commands.hset(key, {"cancelled": 1}), commands.expire(key, _ACTION_KEPT))
