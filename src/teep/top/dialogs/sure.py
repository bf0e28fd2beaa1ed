"""The question before something is done. "No" is the answer unless one says yes; of very many one types how many."""

from collections.abc import Sequence

from teep.top.dialogs.box import Box
from teep.top.lists.rows import Line
from teep.top.widgets.painted import Lines, Part, wrapped


class Sure(Box[bool]):
    """Asks once; with `typed`, by typing that number."""

    def __init__(self, question: str, why: Sequence[str], *, typed: int | None = None) -> None:
        super().__init__(self._lines, self._act)
        self._question = question
        self._why = why
        self._wanted = None if typed is None else str(typed)
        self._typed = ""
        self._is_yes = False

    def _lines(self, width: int, height: int) -> Lines:  # noqa: ARG002 - as high as it is
        found = wrapped([Line(self._question, "title"), Line(), *(Line(text) for text in self._why), Line()], width)
        if self._wanted is not None:
            ask = f"Type {self._wanted} and Enter to do it, Esc for no: "
            return [*found, [Part(ask), Part(self._typed + "▏", "key")]]
        no, yes = (_button("No", "n", is_chosen=not self._is_yes), _button("Yes", "y", is_chosen=self._is_yes))
        told = f"    y yes, n no, Enter {'yes' if self._is_yes else 'no'}"
        return [*found, [no, Part("   "), yes, Part(told, "muted")]]

    def _act(self, key: str) -> None:
        if key in ("escape", "ctrl+c"):
            self.answer(False)
        elif self._wanted is not None:
            self._type(key)
        elif key in ("n", "y", "N", "Y"):
            self.answer(key in "yY")
        elif key == "enter":
            self.answer(self._is_yes)
        elif key in ("left", "right", "tab", "shift+tab", "h", "l"):
            self._is_yes = not self._is_yes
        self.resized()

    def _type(self, key: str) -> None:
        if key == "enter":
            self.answer(self._typed == self._wanted)
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif key.isascii() and key.isdigit() and len(self._typed) < len(self._wanted or ""):
            self._typed += key


def _button(word: str, key: str, *, is_chosen: bool) -> Part:
    return Part(f"[ {word} ]" if is_chosen else f"  {word}  ", "chosen" if is_chosen else "", f"key:{key}")
