"""What brings pages to the web page: its own rooms in `pages/`, features, and users with a tab of their own."""

import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from teep.api import AsyncJobRecord, AsyncSortedEntry
from teep.web import pages

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

JobRows = Callable[[AsyncJobRecord | AsyncSortedEntry], Iterable[tuple[str, str]]]
"""Returns what else the page of a job tells: names and values. Sidekiq's custom_job_info_rows."""


class Tab(NamedTuple):
    """A tab: the path that it leads to ("" is the dashboard), the word for it, and its place from left to right.

    `label` is a key of the translations, or the word itself where there is no such key. `is_used` gets the
    `Site`, and tells whether it is shown: that of a feature which a fleet does not use is not.
    """

    path: str
    label: str
    order: int = 1000
    is_used: Callable[[Any], Awaitable[bool]] | None = None


@dataclass(frozen=True)
class Pages:
    """Pages that belong together: routes, perhaps a tab, and folders of templates and static files.

    `words` are translations: language to key to string. English stands in for those that a language lacks.
    """

    routes: "Sequence[BaseRoute]" = ()
    tab: Tab | None = None
    templates: Path | None = None
    static: Path | None = None
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    job_rows: JobRows | None = None


def own_pages() -> list[Pages]:
    """Return what the modules of `pages/` bring, each in its `PAGES`; the tabs say in which order they are shown."""
    names = sorted(found.name for found in pkgutil.iter_modules(pages.__path__))
    return [brought for name in names for brought in import_module(f"{pages.__name__}.{name}").PAGES]
