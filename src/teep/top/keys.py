"""The keys: Sidekiq's own, and teep's beside them. What they do, the help, the foot and the docs have one table."""

from collections.abc import Sequence
from typing import NamedTuple


class Key(NamedTuple):
    """A key: how it is written, what it does in a word, and in a sentence. `does` names a method of the app."""

    key: str
    word: str
    sentence: str
    does: str
    also: tuple[str, ...] = ()
    """Other keys that do the same."""
    is_of: str = "all"
    """Where it holds: "all" lists, or those that one can choose from ("verbs")."""


KEYS = (
    Key("right", "next tab", "Goes to the next tab.", "next_tab"),
    Key("left", "previous tab", "Goes to the previous tab.", "previous_tab"),
    Key("j", "down", "Goes to the next row.", "down", ("down",)),
    Key("k", "up", "Goes to the row before.", "up", ("up",)),
    Key("l", "next page", "Shows the next page.", "next_page"),
    Key("h", "previous page", "Shows the page before.", "previous_page"),
    Key("pagedown", "", "Goes down by a screen.", "screen_down", ("ctrl+d",)),
    Key("pageup", "", "Goes up by a screen.", "screen_up", ("ctrl+u",)),
    Key("home", "", "Goes to the first row of the page.", "first_row", ("g",)),
    Key("end", "", "Goes to the last row of the page.", "last_row", ("G",)),
    Key("x", "select", "Selects the row, or takes that back.", "select", is_of="verbs"),
    Key("A", "select all", "Selects all rows of the page, or takes that back.", "select_all", is_of="verbs"),
    Key(
        "*", "all that match", "Selects all that match, on every page, and says how many.", "match_all", is_of="verbs"
    ),
    Key("/", "filter", "Filters by the words of the web page; Esc ends it.", "filter"),
    Key(":", "jump", "Goes to :queue NAME, :jid JID, or a tab with a filter: :retries class:Import*.", "jump"),
    Key("enter", "open", "Opens what the row leads to, else all that is known of it.", "open"),
    Key("space", "detail", "Shows all that is known of the row.", "detail", ("i",)),
    Key("y", "raw", "Shows the payload exactly as it lies in Redis.", "raw"),
    Key("c", "copy", "Copies the jid, or the name, through the terminal (OSC 52).", "copy"),
    Key("m", "menu", "Lists all that can be done here.", "menu"),
    Key("v", "view", "Goes to the next view of the tab: jobs, a longer period.", "view"),
    Key("escape", "back", "Stops what is under way; else takes back the selection, the filter, or a step.", "back"),
    Key("+", "", "Looks at Redis more often.", "faster"),
    Key("-", "", "Looks at Redis less often.", "slower"),
    Key("?", "help", "Shows this help.", "help"),
    Key("q", "quit", "Ends it.", "quit"),
)

BY_KEY = {name: key for key in KEYS for name in (key.key, *key.also)}

VERBS = (
    ("R", "Retries jobs: also the failed jobs of a batch, and the nodes of a workflow that did not succeed."),
    ("E", "Enqueues jobs now."),
    ("K", "Kills jobs that wait; cancels jobs that run, and workflows; has the jobs of a batch skipped."),
    ("D", "Deletes jobs, periodic jobs, and queues with their jobs; forgets batches and workflows."),
    ("p", "Pauses queues, periodic jobs and limits, or lets them go on."),
    ("Q", "Quiets processes: they take no more jobs."),
    ("T", "Stops processes: they finish their jobs, and exit."),
)
"""The keys of verbs, and what they do. With an uppercase letter one is asked first, and "no" is the answer."""

_SHOWN = {"enter": "Enter", "escape": "Esc", "space": "Space", "left": "←", "right": "→", "pagedown": "PgDn",
          "pageup": "PgUp", "home": "Home", "end": "End"}  # fmt: skip


def written(key: str) -> str:
    """Return a key as it is written on a screen."""
    return _SHOWN.get(key, key)


def help_rows(*, may_act: bool) -> Sequence[tuple[str, str]]:
    """Return all keys that hold, and what they do."""
    own = [(written(key.key), key.sentence) for key in KEYS if may_act or key.is_of != "verbs"]
    return own + (list(VERBS) if may_act else [])
