"""A tab's list as one looks at it: a page, the row under the cursor, what is chosen. It knows no screen.

Nothing moves under the cursor: it stays on its thing (by the row's key) wherever that goes, and on its line of the
screen while it can. Once someone has moved it, a row that is gone stays, marked, until the cursor leaves it; so no
key ever meets another thing than the one that is seen.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from teep.api.jobs.selection import words
from teep.api.jobs.selection.words import Parsed
from teep.config import Config
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.verbs import Progress, Verb


class Goto(NamedTuple):
    """Another tab to go to, with a filter."""

    tab: str
    text: str = ""


class Tab(ABC):
    """A tab, or a list that one enters from it. It reads rows and says what can be done to them."""

    name: ClassVar[str]
    title: ClassVar[str]
    columns: Sequence[Column] = ()
    nouns: tuple[str, str] = ("job", "jobs")
    """The words for one thing of its list, and for several."""
    empty: ClassVar[str] = "Nothing is here."
    """The sentence that stands in an empty list."""
    modes: Sequence[str] = ("",)
    """Names of the lists that it can show: `v` goes from one to the next."""
    is_filtered: ClassVar[bool] = False
    """Whether `/` takes the words of the web page's filter; others take a part of a name."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def path(self) -> str:
        """The name above the list."""
        return self.title

    def named(self, view: "View") -> tuple[str, str]:  # noqa: ARG002 - for the tabs
        """Return the words for one thing of its list, and for several."""
        return self.nouns

    def shown(self, view: "View") -> Sequence[Column]:  # noqa: ARG002 - for the tabs
        """Return the columns of its list."""
        return self.columns

    def parsed(self, text: str) -> Parsed:
        """Read a filter."""
        if self.is_filtered:
            return words.parse(text)
        return Parsed(text.strip(), {"match": text.strip()} if text.strip() else {}, [])

    async def is_used(self) -> bool:
        """Tell whether it is shown: the tab of a feature that a fleet does not use is not."""
        return True

    @abstractmethod
    async def read(self, view: "View") -> Listing:
        """Read the page that a view asks for."""

    def verbs(self, view: "View") -> Sequence[Verb]:  # noqa: ARG002 - for the tabs
        """Return what can be done here."""
        return ()

    def selection(self, view: "View") -> Any:  # noqa: ARG002 - as above
        """Return all that match, for `Verb.every`; None if that is not possible here."""
        return None

    async def count(self, view: "View", told: Progress) -> int:  # noqa: ARG002 - as above
        """Return how many match. `told(looked_at, out_of)` is called meanwhile, if Redis is searched for them."""
        return len(view.whole or ())

    async def detail(self, row: Row, view: "View") -> list[Line]:  # noqa: ARG002 - as above
        """Return all that is known of a row."""
        return []

    def raw(self, row: Row) -> bytes | None:  # noqa: ARG002 - as above
        """Return the bytes of a row's payload, if it has one."""
        return None

    def copied(self, row: Row) -> tuple[str, str]:
        """Return what `c` copies: its name, and the string."""
        return "name", row.key

    def words(self, view: "View") -> list[str]:  # noqa: ARG002 - as above
        """Return words of a filter that suit what is shown, to complete one."""
        return []

    def enter(self, row: Row, view: "View") -> "Tab | Goto | None":  # noqa: ARG002 - as above
        """Return what Enter leads to; None: the row's detail."""
        return None


class View:
    """A list of a tab, and where one is in it."""

    def __init__(self, tab: Tab, text: str = "") -> None:
        self.tab = tab
        self.mode = 0
        """Which of the tab's modes is shown."""
        self.filter: Parsed = tab.parsed(text)
        self.rows: list[Row] = []
        self.listing: Listing | None = None
        """The last reading; None before the first time."""
        self.chosen: dict[str, Row] = {}
        """The ticked rows, by key, on any page."""
        self.all_of: int | None = None
        """How many match, if all that match are chosen."""
        self.top = 0
        """The first row on the screen."""
        self.widths: dict[int, int] = {}
        self.asked = 0
        """Changes with what is asked for: an answer to an earlier question is of no use."""
        self.height = 1
        self._places: list[Any] = [None]
        self._cursor: str | None = None
        self._is_placed = False
        self._is_scrolled = False
        self._has_acted = False
        self._ghost: Row | None = None

    @property
    def place(self) -> Any:
        """Where the page begins; None at the start."""
        return self._places[-1]

    @property
    def whole(self) -> Sequence[Row] | None:
        """All rows that match, on every page, if the list was read as a whole."""
        return None if self.listing is None else self.listing.whole

    @property
    def is_placed(self) -> bool:
        """Whether someone has put the cursor where it is; else it is on the first row, whichever that is."""
        return self._is_placed

    @property
    def index(self) -> int:
        """Which row the cursor is on."""
        return self._at(self._cursor, 0)

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.index] if self.rows else None

    @property
    def targets(self) -> list[Row]:
        """The rows that a verb is for: those ticked, else the row under the cursor."""
        return list(self.chosen.values()) or ([self.row] if self.row is not None else [])

    def is_gone(self, row: Row) -> bool:
        """Whether a row is only kept because the cursor is on it."""
        return row is self._ghost

    def take(self, listing: Listing) -> None:
        """Show another reading of the page."""
        line, old, at = self.index - self.top, self.row, self.index
        first = self.rows[self.top].key if self.rows else None
        rows = list(listing.rows)
        known = {row.key: row for row in rows}
        self._ghost = None
        if not self._is_placed:
            self._cursor = rows[0].key if rows else None
        elif old is not None and old.key not in known:
            if self._has_acted:
                self._cursor = rows[min(at, len(rows) - 1)].key if rows else None
            else:
                self._ghost = old
                rows.insert(min(at, len(rows)), old)
        self._has_acted = False
        self.chosen = {key: known.get(key, row) for key, row in self.chosen.items()}
        self.rows, self.listing = rows, listing
        if self._is_scrolled:
            self.top = self._at(first, self.top)
        else:
            self.top = self.index - line if self._is_placed else 0
        self._follow()

    def move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.put(self.index + by)

    def put(self, at: int) -> None:
        """Put the cursor on a row, and bring that into sight."""
        if not self.rows:
            return
        self._is_placed, self._is_scrolled = True, False
        self._cursor = self.rows[max(0, min(at, len(self.rows) - 1))].key
        self._follow()

    def pick(self, key: str) -> bool:
        """Put the cursor on the row of a key; False if there is none."""
        at = self._at(key, -1)
        if at >= 0:
            self.put(at)
        return at >= 0

    def scroll(self, by: int) -> None:
        """Show other rows until the cursor is moved; it stays on its thing."""
        self._is_scrolled = True
        self.top = max(0, min(self.top + by, len(self.rows) - self.height))

    def resize(self, height: int) -> None:
        """Note how many rows the screen shows."""
        if height != self.height:
            self.height = max(height, 1)
            self._follow()

    def turn(self, *, forward: bool) -> bool:
        """Go to the page that follows or was before; False if there is none, or if this one's end is not read yet."""
        if forward and self.listing is not None and self.listing.next is not None:
            self._places.append(self.listing.next)
        elif not forward and len(self._places) > 1:
            self._places.pop()
        else:
            return False
        self._begin()
        return True

    def ask(self, text: str) -> list[str]:
        """Filter by words; returns what is wrong with them, and then nothing changes."""
        parsed = self.tab.parsed(text)
        if parsed.problems:
            return parsed.problems
        self.filter, self._places = parsed, [None]
        self.forget()
        self._begin()
        return []

    def next_mode(self) -> None:
        """Show the next of the tab's modes."""
        self.mode, self._places, self.widths = (self.mode + 1) % len(self.tab.modes), [None], {}
        self.forget()
        self._begin()

    def tick(self) -> None:
        """Tick the row under the cursor, or take its tick away; and go on to the next."""
        self.all_of = None
        if (row := self.row) is None:
            return
        if self.chosen.pop(row.key, None) is None:
            self.chosen[row.key] = row
        self.move(1)

    def tick_all(self) -> None:
        """Tick all rows of the page; if they are, take their ticks away."""
        self.all_of = None
        keys = {row.key for row in self.rows}
        if keys <= self.chosen.keys():
            self.chosen = {key: row for key, row in self.chosen.items() if key not in keys}
        else:
            self.chosen |= {row.key: row for row in self.rows}

    def tick_whole(self) -> None:
        """Tick all that match, on every page of a list that was read as a whole."""
        self.all_of = None
        self.chosen = {row.key: row for row in self.whole or ()}

    def forget(self) -> None:
        """Choose nothing."""
        self.chosen, self.all_of = {}, None

    def acted(self, keys: Iterable[str]) -> None:
        """Note that something was done to the rows of these keys: if they are gone now, this is no surprise.

        They are not chosen any more. A reading that began before shows what was there then, and is of no use.
        """
        done = set(keys)
        self.chosen = {key: row for key, row in self.chosen.items() if key not in done}
        self.all_of = None
        self.asked += 1
        self._has_acted = True

    def _begin(self) -> None:
        """Ask for something else. The rows of before are of another list: a key must not meet them."""
        self.asked += 1
        self.rows, self.listing, self._ghost = [], None, None
        self._cursor, self._is_placed, self._is_scrolled, self.top = None, False, False, 0

    def _at(self, key: str | None, default: int) -> int:
        return next((at for at, row in enumerate(self.rows) if row.key == key), default)

    def _follow(self) -> None:
        """Bring the row under the cursor into sight, unless the list was scrolled away from it."""
        if not self._is_scrolled:
            least, at = max(self.index - self.height + 1, 0), self.index
            self.top = max(least, min(self.top, at))
        self.top = max(0, min(self.top, len(self.rows) - self.height))
