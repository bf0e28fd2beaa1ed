"""The base of all that opens over the list. It takes its keys from the app, and answers once."""

from typing import TypeVar

from textual import events
from textual.screen import ModalScreen

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Opens over the list, which stands still until there is an answer."""

    def take(self, event: events.Key) -> bool:  # noqa: ARG002 - for the dialogs
        """Take a key before any widget does; False leaves it to them."""
        return False

    def answer(self, result: T) -> None:
        """Close with an answer. A second key or click may come before the screen has gone, and does nothing."""
        if self.is_active:
            self.dismiss(result)


def name_of(event: events.Key) -> str:
    """Return a key as the tables of keys name it: its character, else its name."""
    return event.character if event.is_printable and event.character else event.key
