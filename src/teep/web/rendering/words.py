"""The page's words in the languages that there are: a TOML file each, the browser's language first."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

FALLBACK = "en"
LANGUAGES = {
    "en": "English", "vi": "Tiếng Việt", "de": "Deutsch", "fr": "Français", "es": "Español", "ja": "日本語",
}  # fmt: skip

_FOLDER = Path(__file__).parents[1] / "locales"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# What is longer or larger has been written by something broken, and is shown all the same.
_LONGEST, _LARGEST = 1e12, 1e18


class Words:
    """The words of one language."""

    def __init__(self, language: str, words: Mapping[str, str], languages: Mapping[str, str] = LANGUAGES) -> None:
        self.language = language
        self.languages = languages
        """All that there are, with their names."""
        self._words = words

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return the string of a key with its values; whole numbers are written as the language does.

        Of a key that has a form for one (`key.one`), `count` says which form it is.
        """
        if not values and "{" not in (text := self._words[key]):
            return text
        form = f"{key}.one" if values.get("count") == 1 and f"{key}.one" in self._words else key
        shown = {name: self.number(value) if type(value) is int else value for name, value in values.items()}
        return self._words[form].format_map(shown)

    def label(self, key: str) -> str:
        """Return the string of a key, or the key where there is none: users name their own tabs."""
        return self._words.get(key, key)

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with the language's separators."""
        # A whole number may be larger than any float.
        text = f"{value:,}" if isinstance(value, int) and not digits else f"{value:,.{digits}f}"
        swap = {",": self._words["number.thousands"], ".": self._words["number.point"]}
        return "".join(swap.get(char, char) for char in text)

    def seconds(self, seconds: float) -> str:
        """Return a span of time in its largest unit, such as "12 s" or "3 h"."""
        span = min(seconds, _LONGEST) if seconds > 0 else 0.0
        if span < 1:
            return self("time.ms", n=round(span * 1000))
        if span < 2 * _MINUTE:
            return self("time.s", n=round(span))
        if span < 2 * _HOUR:
            return self("time.min", n=round(span / _MINUTE))
        if span < 2 * _DAY:
            return self("time.h", n=round(span / _HOUR))
        return self("time.d", n=round(span / _DAY))

    def relative(self, at: datetime, now: datetime) -> str:
        """Return how long ago, or in how long, a time is."""
        seconds = (at - now).total_seconds()
        if abs(seconds) < 1:
            return self("time.now")
        return self("time.in" if seconds > 0 else "time.ago", span=self.seconds(abs(seconds)))

    def bytes(self, size: float) -> str:
        """Return a number of bytes in the unit that suits it."""
        size = min(size, _LARGEST)
        for unit in ("B", "kB", "MB", "GB"):
            if size < 1000:
                return f"{self.number(size, 1 if unit != 'B' and size < 10 else 0)} {unit}"
            size /= 1000
        return f"{self.number(size, 1)} TB"


class Catalogue:
    """All languages, with what pages add to them."""

    def __init__(self, additions: Iterable[Mapping[str, Mapping[str, str]]] = ()) -> None:
        own = {language: dict(read(language)) for language in LANGUAGES}
        for addition in additions:
            for words in own.values():
                words |= {key: text for key, text in addition.get(FALLBACK, {}).items() if key not in words}
            for language, text in addition.items():
                own.setdefault(language, dict(own[FALLBACK])).update(text)
        languages = {language: LANGUAGES.get(language, language) for language in own}
        self._words = {language: Words(language, words, languages) for language, words in own.items()}

    def of(self, chosen: str, accepted: str) -> Words:
        """Return the words that a visitor chose (a cookie), else what the browser's Accept-Language asks for."""
        for tag in (chosen, *_wanted(accepted)):
            for name in (tag.lower(), tag.lower().partition("-")[0]):
                if name in self._words:
                    return self._words[name]
        return self._words[FALLBACK]


@cache
def read(language: str) -> dict[str, str]:
    """Return a language's own strings: `key` of a table `[table]` is named "table.key"."""
    tables = tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))
    return {f"{table}.{key}": text for table, texts in tables.items() for key, text in texts.items()}


def _wanted(accepted: str) -> list[str]:
    """Return the languages of an Accept-Language header, the most wanted first."""
    weighed = []
    for part in accepted.split(","):
        tag, _, quality = part.partition(";")
        number = quality.strip().removeprefix("q=")
        weight = float(number) if number.replace(".", "", 1).isdigit() and number.isascii() else 1.0
        weighed.append((-weight, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]
