"""Verbs without a screen: how one goes on, is stopped, and what is said of it; one at a time."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, cast

import pytest

import teep
from teep.errors import InvalidValue, MalformedPayload, NotMoved
from teep.top.acting import Acting
from teep.top.lists.rows import Listing, Row
from teep.top.lists.verbs import Doing, Progress, Verb, each, together
from teep.top.lists.views import Tab, View

DEAD = "is dead", "are dead"


def doing(wanted: int = 0) -> Doing:
    return Doing("kill", DEAD, wanted)


async def some(done: int) -> int:
    return done


async def failing(error: Exception) -> int:
    raise error


@pytest.mark.parametrize(
    ("done", "wanted", "said"),
    [
        (1, 1, "1 is dead"), (2, 2, "2 are dead"), (0, 0, "0 are dead"), (1_200, 0, "1,200 are dead"),
        (0, 1, "0 are dead, 1 is gone or stays"), (1, 3, "1 is dead, 2 are gone or stay"),
    ],
)  # fmt: skip
def test_one_and_several_are_told_apart_and_no_more_is_said_than_is_known(done: int, wanted: int, said: str) -> None:
    under_way = doing(wanted)
    assert asyncio.run(under_way.run(some(done))) == done
    assert under_way.said == said


def test_what_failed_is_said() -> None:
    under_way = doing(3)
    assert asyncio.run(under_way.run(failing(NotMoved("one is too large", 1)))) is None
    assert under_way.said == "kill: 1 is dead; one is too large"
    assert asyncio.run(under_way.run(failing(InvalidValue("so not")))) is None
    assert under_way.said == "kill: so not"


def test_a_verb_for_several_ends_after_the_thing_at_which_it_is_stopped() -> None:
    under_way, done = doing(5), list[int]()

    async def one(number: int) -> None:
        done.append(number)
        under_way.is_stopped = number == 2

    asyncio.run(under_way.run(each(range(1, 6), one, under_way.progressed)))
    assert (done, under_way.is_cut_short) == ([1, 2], True)
    assert under_way.said == "kill: stopped after 2 of 5; 2 are dead"


def test_one_that_is_stopped_at_its_last_thing_is_done() -> None:
    under_way = doing(2)

    async def one(number: int) -> None:
        under_way.is_stopped = number == 2

    asyncio.run(under_way.run(each((1, 2), one, under_way.progressed)))
    assert (under_way.said, under_way.is_cut_short) == ("2 are dead", False)


def test_one_that_is_stopped_inside_of_a_thing_says_how_far_it_came_there() -> None:
    under_way = doing()

    async def walk(_: int) -> int:
        under_way.is_stopped = True
        return 500 if under_way.progressed(500, 900) is False else 900

    asyncio.run(under_way.run(together((1,), walk, under_way.progressed)))
    assert under_way.said == "kill: stopped after 500 of 900; 500 are dead"


def test_what_returns_false_and_bytes_that_no_queue_takes_do_not_count() -> None:
    async def one(number: int) -> bool:
        if number == 2:
            raise MalformedPayload("no JSON")
        return number != 1

    assert asyncio.run(each((1, 2, 3), one, lambda *_: None)) == 1


class Ends(Tab):
    name, title = "ends", "Ends"

    async def read(self, view: View) -> Listing:
        return Listing([Row(key, (key,), key) for key in "abc"], "")


class Idle:
    """A program that begins nothing by itself."""

    def __init__(self) -> None:
        self.view = View(Ends(teep.Config()))
        self.view.take(asyncio.run(self.view.tab.read(self.view)))
        self.doing: Doing | None = None
        self.told = ""
        self.works: list[Coroutine[Any, Any, None]] = []
        self.asked: list[object] = []

    def tell(self, text: str) -> None:
        self.told = text

    def ask(self, dialog: object, then: object) -> None:
        self.asked.append((dialog, then))

    def run_worker(self, work: Coroutine[Any, Any, None], **_: Any) -> None:
        self.works.append(work)

    def repaint(self) -> None: ...

    def refresh_soon(self) -> None: ...


def ending(done: list[str]) -> Verb:
    async def end(things: Sequence[str], told: Progress, _: str) -> int:
        async def one(thing: str) -> None:
            done.append(thing)

        return await each(things, one, told)

    return Verb("p", "end", ("is ended", "are ended"), end, is_asked=False)


def test_nothing_is_begun_between_a_key_and_the_work_that_it_began() -> None:
    app, done = Idle(), list[str]()
    acting, verb = Acting(cast("Any", app)), ending(done)
    app.view.put(1)
    acting.begin(verb)
    assert app.doing is not None, "from the key on, and not from when the work's turn comes"
    acting.begin(verb)
    assert app.told.startswith("one thing at a time")
    (work,) = app.works
    asyncio.run(work)
    assert (done, app.told) == (["b"], "1 is ended")
    acting.begin(verb)
    asyncio.run(app.works.pop())
    assert done == ["b", "b"]


def test_a_verb_without_a_question_asks_where_nobody_has_put_the_cursor() -> None:
    app = Idle()
    acting, verb = Acting(cast("Any", app)), ending([])
    acting.begin(verb)
    assert (len(app.asked), app.works) == (1, [])
    app.view.chosen = {row.key: row for row in app.view.rows[1:]}
    acting.begin(verb)
    assert len(app.asked) == 1
    asyncio.run(app.works.pop())
    assert (app.told, app.view.chosen) == ("2 are ended", {})


def test_rows_of_a_verb_that_failed_stay_selected() -> None:
    app = Idle()
    verb = ending([])._replace(some=lambda *_: failing(InvalidValue("so not")))
    app.view.tick_all()
    asked = app.view.asked
    Acting(cast("Any", app)).begin(verb)
    asyncio.run(app.works.pop())
    assert (list(app.view.chosen), app.view.asked) == (["a", "b", "c"], asked)
    assert app.told == "end: so not"


def test_all_that_match_are_not_counted_where_no_selection_is() -> None:
    app = Idle()
    Acting(cast("Any", app)).count()
    assert app.told.endswith("select rows with x or A")
    assert (app.works, app.doing) == ([], None)
