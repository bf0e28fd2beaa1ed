"""A view: the cursor stays on its thing, ticks stay on theirs, and what is gone is not forgotten at once."""

from collections.abc import Sequence

import pytest

from teep import Config
from teep.top.lists.rows import Column, Listing, Row
from teep.top.lists.views import Tab, View


class _Letters(Tab):
    name, title = "letters", "Letters"
    columns = (Column("letter"),)
    modes = ("small", "large")

    async def read(self, view: View) -> Listing:
        return listing(view.filter.text)


def listing(keys: str, following: object = None) -> Listing:
    return Listing([Row(key, (key,), key) for key in keys], next=following)


def keys(view: View) -> str:
    return "".join(row.key for row in view.rows)


@pytest.fixture
def view() -> View:
    view = View(_Letters(Config(redis_url="redis://127.0.0.1:1")))
    view.resize(5)
    view.take(listing("abcdefghij"))
    return view


def under(view: View) -> tuple[str, int]:
    """The thing under the cursor, and the line of the screen that it is on."""
    assert view.row is not None
    return view.row.key, view.index - view.top


def test_until_it_is_moved_the_cursor_is_on_the_first_row(view: View) -> None:
    assert under(view) == ("a", 0)
    view.take(listing("cdef"))
    assert (under(view), keys(view)) == (("c", 0), "cdef")


def test_a_cursor_that_was_moved_stays_on_its_thing_and_on_its_line(view: View) -> None:
    for _ in range(6):
        view.move(1)
    assert under(view) == ("g", 4)
    view.take(listing("xyabcdefghij"))
    assert under(view) == ("g", 4)
    view.take(listing("defghijkl"))
    assert under(view) == ("g", 3)  # there is no line above: the list has only three before it


def test_what_is_gone_stays_until_the_cursor_leaves_it(view: View) -> None:
    view.put(2)
    view.take(listing("abdefghij"))
    assert (keys(view), under(view)) == ("abcdefghij", ("c", 2))
    assert view.row is not None
    assert view.is_gone(view.row)
    view.take(listing("abdefgh"))
    assert keys(view) == "abcdefgh"
    view.move(1)
    view.take(listing("abdefgh"))
    assert (keys(view), under(view)) == ("abdefgh", ("d", 2))


def test_after_a_verb_the_cursor_is_on_what_came_into_the_place(view: View) -> None:
    view.put(2)
    view.acted("c")
    view.take(listing("abdefghij"))
    assert (keys(view), under(view)) == ("abdefghij", ("d", 2))
    view.put(8)
    view.acted("j")
    view.take(listing("abde"))
    assert under(view)[0] == "e"
    view.acted("e")
    view.take(listing(""))
    assert view.row is None


def test_after_a_verb_that_alone_is_not_selected_any_more_which_it_was_done_to(view: View) -> None:
    view.tick_all()
    asked = view.asked
    view.acted("ab")
    assert "".join(view.chosen) == "cdefghij"
    assert view.asked != asked, "a reading that began before is of no use"
    view.all_of = 10
    view.acted("")
    assert [view.all_of, *view.chosen] == [None, *"cdefghij"]


def test_a_thing_that_is_back_is_no_ghost(view: View) -> None:
    view.put(2)
    view.take(listing("ab"))
    view.take(listing("abc"))
    assert keys(view) == "abc"
    assert not view.is_gone(view.rows[2])


def test_ticks_follow_their_things_and_targets_are_what_is_ticked(view: View) -> None:
    assert [row.key for row in view.targets] == ["a"]
    view.tick()
    view.tick()
    assert under(view)[0] == "c"
    view.take(listing("bcdea"))
    assert sorted(view.chosen) == ["a", "b"] == sorted(row.key for row in view.targets)
    view.put(0)
    view.tick()
    assert list(view.chosen) == ["a"]
    view.tick_all()
    assert sorted(view.chosen) == list("abcde")
    view.tick_all()
    assert view.targets[0] is view.row


def test_ticks_stay_from_page_to_page(view: View) -> None:
    view.take(listing("abc", following=3))
    view.tick_all()
    assert view.turn(forward=True)
    view.take(listing("def"))
    view.tick_all()
    assert sorted(view.chosen) == list("abcdef")
    assert not view.turn(forward=True)
    assert view.turn(forward=False)
    assert view.place is None
    assert not view.turn(forward=False)


def test_an_answer_to_an_earlier_question_is_known_as_such(view: View) -> None:
    asked = [view.asked]
    view.ask("b")
    asked.append(view.asked)
    view.next_mode()
    asked.append(view.asked)
    view.take(listing("a", following=1))
    view.turn(forward=True)
    asked.append(view.asked)
    assert asked == sorted(set(asked))


@pytest.mark.parametrize(("moves", "at"), [([-5], 0), ([99], 9), ([99, -1], 8), ([3, 4], 7)])
def test_the_cursor_stays_within_the_list_and_in_sight(view: View, moves: Sequence[int], at: int) -> None:
    for by in moves:
        view.move(by)
    assert view.index == at
    assert view.top <= at < view.top + 5


def test_the_wheel_moves_the_list_and_not_the_cursor(view: View) -> None:
    view.put(1)
    view.scroll(3)
    assert (view.top, view.index) == (3, 1)
    view.scroll(99)
    assert view.top == 5
    view.move(1)
    assert (view.top, view.index) == (2, 2)


def test_another_filter_begins_anew(view: View) -> None:
    view.put(4)
    view.tick()
    assert view.ask("x") == []
    assert (view.chosen, view.place, view.filter.text) == ({}, None, "x")
    view.take(listing("xyz"))
    assert under(view) == ("x", 0)


def test_a_list_that_is_asked_for_anew_has_no_rows_of_before(view: View) -> None:
    def ask() -> None:
        view.ask("x")

    def turn() -> None:
        assert view.turn(forward=True)

    for begin in (ask, view.next_mode, turn):
        view.take(Listing(listing("abc").rows, next=3, whole=listing("abcd").rows))
        assert view.whole is not None
        begin()
        held = [view.rows, view.listing, view.whole, view.row]
        assert not any(held)
        assert not view.turn(forward=True)
        assert view.turn(forward=False) is (begin is turn)  # where one came from is known before anything is read


def test_a_list_stays_where_the_wheel_left_it_until_the_cursor_moves(view: View) -> None:
    view.scroll(4)
    view.take(listing("abcdefghij"))
    assert (view.top, under(view)[0]) == (4, "a")
    view.take(listing("xyabcdefghij"))
    assert view.rows[view.top].key == "e"
    view.resize(4)
    assert view.rows[view.top].key == "e"
    view.take(listing("abcdfghij"))
    assert view.top == 5  # the first row is gone: what follows it is there now, or nearly so
    view.move(1)
    assert view.top <= view.index < view.top + view.height
    view.take(listing("abcdefghij"))
    assert view.top <= view.index


def test_a_row_is_picked_by_its_key(view: View) -> None:
    assert view.pick("d")
    assert under(view)[0] == "d"
    assert not view.pick("?")
    assert under(view)[0] == "d"
