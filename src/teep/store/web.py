"""What the processes that serve the web page share: a secret, which signs what a browser brings back."""

from teep.wire import commands, keys

# Seconds that a secret is used: with the next one, forms that are still open have to be sent again.
_KEPT = 400 * 86_400


async def secret(fresh: bytes) -> bytes:
    """Return the shared secret, which is `fresh` if there was none. One round trip, three the first time."""
    if (found := await commands.get(keys.web_secret())) is not None:
        return found
    await commands.set_if_absent(keys.web_secret(), fresh, _KEPT)
    return await commands.get(keys.web_secret()) or fresh
