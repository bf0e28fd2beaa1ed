"""The menu: all that can be done to what is under the cursor, each with its key."""

from collections.abc import Sequence

from teep.top.dialogs.box import Box
from teep.top.keys import written
from teep.top.widgets.painted import Lines, Part


class Menu(Box[int | None]):
    """Items of a key and a word; it answers with the number of the one that was chosen."""

    def __init__(self, title: str, items: Sequence[tuple[str, str]]) -> None:
        super().__init__(self._lines, self._act)
        self._title = title
        self._items = items
        self._at = 0

    def _lines(self, width: int, height: int) -> Lines:
        start = max(self._at - max(height - 8, 4) + 1, 0)
        found = [[Part(self._title[:width], "title")], [Part("")]]
        for at, (key, word) in enumerate(self._items[start:], start):
            line = f"{'❯' if at == self._at else ' '} {written(key):<6}{word}"
            found.append([Part(line.ljust(width), "cursor" if at == self._at else "", f"key:#{at}")])
        return [*found, [Part("")], [Part("Enter does it, Esc leaves", "muted")]]

    def _act(self, key: str) -> None:
        if key in ("escape", "ctrl+c", "q", "m"):
            self.answer(None)
        elif key.startswith("#") and key[1:].isdigit():
            self.answer(int(key[1:]))
        elif key in ("j", "k"):
            self._at = (self._at + (1 if key == "j" else -1)) % len(self._items)
        elif key == "enter":
            self.answer(self._at)
        else:
            found = next((at for at, (name, _) in enumerate(self._items) if name == key), None)
            if found is not None:
                self.answer(found)
                return
        self.resized()
