"""What a shell offers while someone types: the names of queues, as Redis has them now.

It is silent where Redis is away, and quick: a shell waits for it. The embedded server is not started for it.
"""

import threading
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from teep.config import Config

_SECONDS = 1.0
"""How long Redis may take."""

_SETS = ("retries", "scheduled", "dead")
_QUEUE = "queue:"


def complete_selection(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Offer the sets and queues, and behind one of them the names of a filter."""
    typed = context.params.get(parameter.name or "") or ()
    if not typed or typed[-1] in ("queue", ":"):  # in bash a colon ends a word
        prefix = _QUEUE if incomplete.startswith(_QUEUE) else ""
        names = [f"{prefix}{name}" for name in _queues(context)]
        return _items([*_SETS, *names], incomplete)
    from teep.api.jobs.selection.words import NAMES

    return _items([f"{name}:" for name in NAMES], incomplete)


def complete_queue(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Offer the queues."""
    return _items(_queues(context), incomplete)


def _items(words: list[str], incomplete: str) -> "list[CompletionItem[str]]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _queues(context: click.Context) -> list[str]:
    """Return the names of queues, none if Redis does not tell them in time."""
    from teep.errors import TeepError

    names: list[str] = []

    def ask(config: "Config") -> None:
        from teep.cli.selecting.queues import queue_names

        try:
            names.extend(name for name in queue_names(config) if name.isprintable() and not set(name) & set(" \t'\""))
        except TeepError:  # someone types: there is no place for a sentence
            return

    try:
        config = _config(context)
    except TeepError:  # as above
        return []
    if config is not None:
        # One that hangs is left behind as the process ends.
        asking = threading.Thread(target=ask, args=(config,), daemon=True)
        asking.start()
        asking.join(_SECONDS)
    return list(names)


def _config(context: click.Context) -> "Config | None":
    """Return the configuration, with all loaded that speaks to Redis; None: it would start the embedded server."""
    from teep.cli.options import Reaching
    from teep.config.connections import driver_for, named_url
    from teep.embedded.status import look

    given = {name: context.params.get(name) for name in ("redis_url", "config", "environment")}
    config = Reaching(**given, log_level="CRITICAL").configured()
    if named_url(config) is None and not look().running:
        return None
    driver_for(config)
    return config
