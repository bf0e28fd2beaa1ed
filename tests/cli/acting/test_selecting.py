"""SELECTION: which jobs a command line means."""

import pytest

import teep
from teep.cli.selecting.chosen import Chosen, choose, filter_of
from teep.cli.selecting.flags import Selecting
from teep.errors import InvalidValue

pytestmark = pytest.mark.one_server


@pytest.fixture
def fleet(configured: teep.Config) -> teep.Config:
    """Jobs in two queues, one of which is called as a set is, and in the retry set."""
    client = teep.Client(configured)
    for number in range(4):
        client.push({"class": "app.Import" if number % 2 else "Export", "args": [number, "eu"], "queue": "low"})
    client.push({"class": "Import", "args": [], "queue": "dead"})
    for number in range(3):
        retry = {"class": "Import", "args": [number], "jid": f"jid{number}", "error_class": "Timeout"}
        teep.RetrySet(config=configured).schedule(1_900_000_000 - number, retry)
    return configured


def jids(chosen: Chosen) -> list[str]:
    return sorted(record.jid for record in chosen.selection())


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("words", "name", "count"),
    [
        (("retries",), "retries", 3),
        (("scheduled",), "scheduled", 0),
        (("dead",), "dead", 0),
        (("queue:low",), "queue low", 4),
        (("low",), "queue low", 4),
        (("queue:dead",), "queue dead", 1),
        (("low", "class:Import"), "queue low", 2),
        (("low", "class:Import", "args:3"), "queue low", 1),
        (("low", "class:Import args:3"), "queue low", 1),
        (("retries", "error:Time*", "jid:jid0,jid2"), "retries", 2),
        (("low", "eu"), "queue low", 4),
    ],
)
def test_what_a_selection_means(words: tuple[str, ...], name: str, count: int) -> None:
    chosen = choose(Selecting(words=words))
    assert (chosen.name, chosen.count(), len(list(chosen.selection()))) == (name, count, count)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (("class:Import*",), {"klass": "Import*"}),
        (("error:Time*", "older:1h"), {"error": "Time*", "older": "1h"}),
        (('args:[1,"a b"]',), {"args": '[1, "a b"]'}),
        (("tag:eu", "newer:2d"), {"tag": "eu", "newer": "2d"}),
        (("jid:jid1,jid2",), {"jid": "jid1,jid2"}),
        (('"reset by class:x"',), {"match": "reset by class:x"}),
    ],
)
def test_flags_mean_the_same_as_words(words: tuple[str, ...], flags: dict[str, str]) -> None:
    meant = choose(Selecting(words=("retries", *words))).conditions
    assert choose(Selecting(words=("retries",), **flags)).conditions == meant  # type: ignore[arg-type]
    assert meant


@pytest.mark.parametrize(
    ("typed", "filter_"),
    [
        # What the shell has left of: message:"timed out after # s" class:A
        (["message:timed out after # s", "class:A"], 'message:"timed out after # s" class:A'),
        (["class:Import* error:Timeout older:1h"], "class:Import* error:Timeout older:1h"),
        (['args:[42, "eu"]'], 'args:[42, "eu"]'),
        (['error:"A b"'], 'error:"A b"'),
        (["connection reset"], "connection reset"),
        (["class:A"], "class:A"),
        (["Foo::Bar baz"], "Foo::Bar baz"),
    ],
)
def test_quotes_that_the_shell_has_taken_are_put_back(typed: list[str], filter_: str) -> None:
    assert filter_of(typed, {}) == filter_


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (Selecting(words=("retrys",)), "SELECTION is .*, not 'retrys'; did you mean retries\\?"),
        (Selecting(words=("lwo",)), "not 'lwo'; did you mean low\\?"),
        (Selecting(words=("class:Import",)), "not 'class:Import'"),
        (Selecting(words=("low", "clas:Import")), "there is no filter clas: — did you mean class:\\?"),
        (Selecting(words=("low", "older:soon")), "older: cannot be 'soon'"),
        (Selecting(words=("low", "class:A"), klass="B"), "class: stands there twice"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_what_was_meant(flags: Selecting, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        choose(flags)


@pytest.mark.usefixtures("fleet")
def test_with_a_limit_it_is_the_first_ones_of_the_list() -> None:
    chosen = choose(Selecting(words=("retries",), limit=2))
    assert chosen.count() == 2
    assert jids(chosen) == ["jid1", "jid2"]  # which are due first
    low = choose(Selecting(words=("low", "class:Import"), limit=1))
    assert [record.args for record in low.selection()] == [[1, "eu"]]  # which runs first
    assert choose(Selecting(words=("low",), limit=99)).count() == 4


@pytest.mark.usefixtures("fleet")
def test_a_queue_that_is_not_there_is_told_with_the_nearest() -> None:
    assert choose(Selecting(words=("queue:lwo",))).none() == "There is no queue lwo; did you mean low?"
    assert choose(Selecting(words=("queue:low",))).none() == "There are no jobs in queue low."
    assert choose(Selecting(words=("dead", "tag:x"))).none() == "There are no jobs of dead that match tag:x."
