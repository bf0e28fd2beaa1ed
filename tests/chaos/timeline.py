"""What was done to which process, and when: the evidence for the account, and the story of a failure."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Span(NamedTuple):
    """Two moments in monotonic seconds."""

    begin: float
    end: float


class Event(NamedTuple):
    """Something that happened, at a moment in monotonic seconds."""

    at: float
    text: str


class Timeline:
    """The faults of one scenario. `tell` gets each event's line as it happens."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.origin = time.monotonic()
        self.events: list[Event] = []
        self.faults: Counter[str] = Counter()
        self.killed: dict[int, float] = {}
        """Worker pid to the moment of its SIGKILL."""
        self.stopped: dict[int, Span] = {}
        """Worker pid to the moment of its SIGTERM, and that at which its jobs' time was up."""
        self.frozen: dict[int, list[Span]] = {}
        """Worker pid to when it stood still."""
        self.away: list[Span] = []
        """When the server was not there, or did not answer."""
        self.refused: list[Span] = []
        """When it refused a command, or had a key of another type."""
        self.failovers: list[Span] = []
        self.jumps: dict[int, float] = {}
        """Worker pid to the seconds by which its clock jumps, some time after its start."""
        self._tell = tell
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        """Take down an event."""
        with self._lock:
            event = Event(time.monotonic(), text)
            self.events.append(event)
            self._tell(self.line(event))

    @contextmanager
    def spanned(self, spans: list[Span]) -> Iterator[None]:
        """Take down how long the block takes, among `away` or `failovers`."""
        begin = time.monotonic()
        try:
            yield
        finally:
            spans.append(Span(begin, time.monotonic()))

    def line(self, event: Event) -> str:
        """Return an event with its seconds since the beginning."""
        return f"{event.at - self.origin:8.3f}  {event.text}"

    def near(self, begin: float, end: float, slack: float = 1.0) -> list[str]:
        """Return the lines of what happened between two moments, `slack` seconds around included."""
        return [self.line(event) for event in self.events if begin - slack <= event.at <= end + slack]
