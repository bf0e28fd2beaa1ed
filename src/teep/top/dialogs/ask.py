"""A line to type in, at the foot of the screen: a filter, a jump, what a verb asks for."""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from teep.top.dialogs.dialog import Dialog
from teep.top.widgets.painted import Painted, Part

Complete = Callable[[str], str | None]


class _Completion(Suggester):
    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return self._complete(value)


class Ask(Dialog[str | None]):
    """Answers with what was typed, None after Esc. `complete` returns a longer string that begins so; Tab takes it.

    Until the line is there the keys wait here: some would come to it before the others.
    """

    class Ready(Message):
        """The line is there, and takes keys."""

        def __init__(self, ask: "Ask") -> None:
            super().__init__()
            self.ask = ask

    DEFAULT_CSS = """
    Ask { background: transparent; }
    Ask #line { height: 1; dock: bottom; background: $surface; }
    Ask #prompt { height: 1; }
    Ask Input { width: 1fr; }
    """

    def __init__(self, prompt: str, text: str = "", complete: Complete | None = None) -> None:
        super().__init__()
        self._prompt = prompt
        self._text = text
        self._complete = complete
        self._is_ready = False
        self._typed: list[events.Key] = []

    def compose(self) -> ComposeResult:
        prompt = Painted(lambda _, __: [[Part(self._prompt, "key")]], id="prompt")
        prompt.styles.width = len(self._prompt)
        suggester = None if self._complete is None else _Completion(self._complete)
        with Horizontal(id="line"):
            yield prompt
            yield Input(self._text, suggester=suggester, select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Input))
        self.post_message(self.Ready(self))

    def take(self, event: events.Key) -> bool:
        if not self._is_ready:
            self._typed.append(event)
        return not self._is_ready

    def let_through(self) -> list[events.Key]:
        """Return the keys that have waited; the line takes those that come from now on."""
        self._is_ready = True
        return self._typed

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.answer(event.value)

    def on_key(self, event: events.Key) -> None:
        """Take the keys that the line does not."""
        event.stop()
        line = self.query_one(Input)
        if event.key in ("escape", "ctrl+c"):
            self.answer(None)
        elif event.key == "enter":
            self.answer(line.value)
        elif event.key == "tab":
            event.prevent_default()
            if self._complete is not None:
                line.value = self._complete(line.value) or line.value
                line.cursor_position = len(line.value)
