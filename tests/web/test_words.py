"""The page in six languages: the same keys with the same places in each, and the one that a browser asks for."""

import re
import string
from datetime import UTC, datetime, timedelta

import pytest

from teep.web import Pages, Tab
from teep.web.rendering.words import LANGUAGES, Catalogue, read
from tests.web.conftest import MakeVisitor
from tests.web.visitor import text_of


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_words_with_the_same_places(language: str) -> None:
    english, words = read("en"), read(language)
    assert words.keys() == english.keys()
    # A language may say more of a form for one than English does, and the number itself.
    wrong = {key for key in words if _places(words[key]) != _places(english[key])}
    assert wrong == set()
    assert all(text.strip() or key == "number.thousands" for key, text in words.items())


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_each_language_is_one_of_its_own(language: str) -> None:
    english, words = read("en"), read(language)
    same = {key for key in words if words[key] == english[key] and re.search("[a-z]{4}", words[key])}
    assert len(same) < 12


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"), ("de", "de"), ("de-AT,en;q=0.5", "de"), ("xx, fr;q=0.3, es;q=0.8", "es"), ("ja-JP", "ja"),
        ("VI", "vi"), ("*", "en"), ("de;q=x", "de"), (";;,,q=", "en"), ("de;q=0, en", "en"),
    ],
)  # fmt: skip
def test_the_browsers_language_is_spoken(accepted: str, language: str) -> None:
    assert Catalogue().of("", accepted).language == language
    assert Catalogue().of("fr", accepted).language == "fr"
    assert Catalogue().of("klingon", accepted).language == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_render_in_each(visit: MakeVisitor, language: str) -> None:
    visitor = visit()
    for path in ("/", "/retries", "/scheduled?q=clas:x", "/dead", "/nowhere"):
        page = visitor.get(path, headers={"accept-language": language})
        assert f'<html lang="{language}"' in page.text
        assert read(language)["nav.retries"] in text_of(page)


def test_numbers_and_times_are_written_as_the_language_does() -> None:
    english, german, french = (Catalogue().of(name, "") for name in ("en", "de", "fr"))
    assert (english.number(1234567), german.number(1234567), french.number(1234.5, 1)) == (
        "1,234,567", "1.234.567", "1\u202f234,5",
    )  # fmt: skip
    now = datetime.now(UTC)
    times = [(-0.2, "just now"), (-30, "30 s ago"), (90, "in 90 s"), (600, "in 10 min"), (-9000, "2 h ago")]
    assert [english.relative(now + timedelta(seconds=span), now) for span, _ in times] == [said for _, said in times]
    assert [english.seconds(span) for span in (0.004, 1, 120, 7200, 9e5)] == [
        "4 ms",
        "1 s",
        "2 min",
        "2 h",
        "10 days",
    ]
    assert [english.bytes(size) for size in (5, 1500, 25_000_000, 3e12)] == ["5 B", "1.5 kB", "25 MB", "3.0 TB"]
    assert english("done.delete", count=1) == "1 job is deleted."
    assert english("done.delete", count=2000) == "2,000 jobs are deleted."


def test_pages_bring_words_of_their_own(visit: MakeVisitor) -> None:
    words = {"en": {"nav.shop": "Shop"}, "de": {"nav.shop": "Laden"}, "nl": {"nav.shop": "Winkel"}}
    visitor = visit(
        pages=[Pages(routes=(), tab=Tab("shop", "nav.shop"), words=words), Pages((), Tab("raw", "Raw name"))]
    )
    for language, word in (("en", "Shop"), ("de", "Laden"), ("fr", "Shop"), ("nl", "Winkel")):
        page = visitor.get("/", headers={"accept-language": language})
        assert f">{word}</a>" in page.text
        assert ">Raw name</a>" in page.text
    # It is offered, and stays if something else is chosen.
    page = visitor.get("/", headers={"accept-language": "nl"})
    assert '<option value="nl" selected lang="nl">nl</option>' in page.text
