"""The parts that know no screen: text, charts, columns, jumps, and what stands around a list."""

import pytest
from rich.cells import cell_len

from teep.errors import InvalidValue
from teep.top import frame, jumps
from teep.top.keys import BY_KEY, KEYS, VERBS
from teep.top.lists import text
from teep.top.lists.rows import Column, Line, Row, laid_out
from teep.top.lists.verbs import Verb, each_of
from teep.top.widgets import braille
from teep.top.widgets.painted import wrapped

TABS = ["dashboard", "busy", "queues", "scheduled", "retries", "dead", "errors", "metrics"]


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines\ttab", "two\\nlines\\ttab"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\udc80", "\\udc80"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
        ("naïve 日本", "naïve 日本"),
        (None, ""),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_what_redis_holds_is_one_harmless_line(held: object, shown: str) -> None:
    assert text.plain(held) == shown


def test_arguments_are_json_and_no_longer_than_a_screen_needs() -> None:
    assert text.arguments([1, "ü", {"a": None}]) == '1, "ü", {"a": null}'
    assert len(text.arguments(["x" * 1000] * 1000)) == text.MOST


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0123, "12 ms"), (5, "5 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (2 * 86400, "2 d"), (-1, "0 ms"),
     (1e30, "1,000,000,000 d")],
)  # fmt: skip
def test_a_span_is_told_in_its_largest_unit(seconds: float, shown: str) -> None:
    assert text.span(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.25, "0.25"), (12.4, "12"), (1234, "1.23k"), (5e6, "5M"), (2.5e15, "2,500T")]
)
def test_a_number_can_be_short(value: float, shown: str) -> None:
    assert text.short(value) == shown


@pytest.mark.parametrize("value", ["abc", "abcdef", "日本語", "日本語日本語", ""])
@pytest.mark.parametrize("width", [1, 2, 5, 6, 9])
def test_a_text_fits_exactly(value: str, width: int) -> None:
    fitted = text.fit(value, width)
    assert cell_len(fitted) == width
    assert cell_len(text.fit(value, width, right=True)) == width
    if cell_len(value) > width > 1:
        assert fitted.rstrip().endswith("…")


def test_an_area_is_dots() -> None:
    assert braille.area([0, 1, 2, 3, 4, 4], 3, 1, 4) == ["⢀⣴⣿"]
    assert braille.area([4, 4], 1, 1, 4) == ["⣿"]
    assert braille.area([0, 0.01], 1, 1, 4) == ["⢀"]
    assert braille.area([], 2, 2, 1) == ["⠀⠀", "⠀⠀"]
    assert braille.area([1, 2, 9, 9], 1, 1, 9) == ["⣿"]


def test_a_chart_has_an_axis_that_seldom_changes() -> None:
    lines = braille.chart([300, 310, 290], 20, 5)
    assert [line[:8] for line in lines] == ["   500 ┤", "       ┤", "   250 ┤", "       ┤", "     0 ┤"]
    assert {cell_len(line) for line in lines} == {20}


@pytest.mark.parametrize(("value", "up"), [(0, 1), (0.3, 0.5), (1, 1), (1.1, 2), (4.9, 5), (51, 100), (1000, 1000)])
def test_an_axis_ends_at_a_round_number(value: float, up: float) -> None:
    assert braille.round_up(value) == pytest.approx(up)


COLUMNS = (Column("when", 10), Column("class", 8), Column("queue", 12, 1), Column("bid", 24, 2), Column("rest"))
ROWS = [Row("a", ("now", "app.Import", "mailers", "b" * 24, "the rest"), None)]


def test_columns_share_a_width_and_the_least_important_go_first() -> None:
    wide = laid_out(COLUMNS, ROWS, 100, {})
    assert [place for place, _ in wide.columns] == [0, 1, 2, 3, 4]
    assert cell_len(wide.line(ROWS[0].cells, COLUMNS)) == 100
    assert [place for place, _ in laid_out(COLUMNS, ROWS, 60, {}).columns] == [0, 1, 2, 4]
    narrow = laid_out(COLUMNS, ROWS, 34, {})
    assert [place for place, _ in narrow.columns] == [0, 1, 4]
    assert narrow.line(ROWS[0].cells, COLUMNS).startswith("now   app.Imp…  the rest")


def test_a_column_never_shrinks_under_ones_eyes() -> None:
    widths: dict[int, int] = {}
    first = laid_out(COLUMNS, ROWS, 100, widths)
    short = [Row("b", ("", "X", "q", "", ""), None)]
    assert laid_out(COLUMNS, short, 100, widths) == first


def test_lines_are_wrapped_and_go_on_indented() -> None:
    parts = wrapped([Line("name  " + "x" * 20, indent=6), Line(), Line("日本語日本語")], 12)
    assert ["".join(part.text for part in line) for line in parts] == [
        "name  xxxxxx", "      xxxxxx", "      xxxxxx", "      xx", "", "日本語日本語",
    ]  # fmt: skip


@pytest.mark.parametrize("text", [" " * 30 + "[", "日本語" * 9, "a" + " " * 40, "\u0301" * 30])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_any_text_is_wrapped_in_the_end(text: str, width: int) -> None:
    shown = "".join(part.text for line in wrapped([Line(text)], width) for part in line)
    assert shown == text


@pytest.mark.parametrize(
    ("typed", "jump"),
    [
        ("queue default", jumps.Jump("queues", queue="default")),
        ("queue", jumps.Jump("queues")),
        ("jid 01a2", jumps.Jump(jid="01a2")),
        ("retry class:Import* older:1h", jumps.Jump("retries", "class:Import* older:1h")),
        (":dead", jumps.Jump("dead")),
        ("home", jumps.Jump("dashboard")),
    ],
)
def test_a_jump_names_a_place(typed: str, jump: jumps.Jump) -> None:
    assert jumps.parse(typed, TABS) == jump


@pytest.mark.parametrize(
    ("typed", "said"),
    [("retreis", "did you mean retries?"), ("jid", "write the jid"), ("xyzzy", "there is nothing called xyzzy")],
)
def test_a_jump_that_leads_nowhere_says_so(typed: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said.replace("?", r"\?")):
        jumps.parse(typed, TABS)


def test_jumps_are_completed() -> None:
    words = ["class:app.Import", "error:TimeoutError", "class:"]
    assert jumps.completed("q", TABS, []) == "queue "
    assert jumps.completed("queue d", TABS, ["mailers", "default"]) == "queue default"
    assert jumps.completed("ret", TABS, []) == "retries"
    assert jumps.completed("retries cl", TABS, [], words) == "retries class:app.Import"
    assert jumps.completed("nowhere x", TABS, ["x1"], words) is None
    assert jumps.completed_words("error:TimeoutError cla", words) == "error:TimeoutError class:app.Import"
    assert jumps.completed_words("error:TimeoutError ", words) is None


def test_all_tabs_fit_or_the_active_one_is_among_those_that_do() -> None:
    titles = [(name, name.title()) for name in [*TABS, "periodic", "batches", "workflows", "limits"]]
    for name, title in titles:
        (line,) = frame.tabs(titles, name, 80)
        shown = "".join(part.text for part in line)
        assert cell_len(shown) <= 80
        assert f"[{title}]" in shown
    (line,) = frame.tabs(titles[:8], "dead", 80)
    assert "‹" not in line[0].text
    assert len(line) == 8


def test_figures_that_are_too_long_are_short() -> None:
    stats = dict.fromkeys(
        [
            "processed",
            "failed",
            "workers_size",
            "enqueued",
            "retry_size",
            "scheduled_size",
            "dead_size",
            "processes_size",
        ],
        123_456_789,
    )
    head = frame.Head("redis://localhost", 2.0, "12:00:00", read_only=True)
    for width, shown in ((160, "123,456,789"), (90, "123M")):
        lines = frame.head(head, stats, width)
        assert all(sum(cell_len(part.text) for part in line) <= width for line in lines)
        assert shown in "".join(part.text for part in lines[2])
    assert "READ ONLY" in "".join(part.text for part in lines[0])
    assert "–" in "".join(part.text for part in frame.head(head, None, 80)[2])


def test_no_key_means_two_things() -> None:
    names = [name for key in KEYS for name in (key.key, *key.also)]
    assert len(names) == len(set(names)) == len(BY_KEY)
    assert not {key for key, _ in VERBS} & set(names)


def test_the_foot_names_verbs_first_and_ends_where_the_screen_does() -> None:
    verbs = [Verb(key, name, ("", ""), each_of(name)) for key, name in (("R", "retry"), ("", "move"))]
    (line,) = frame.foot(verbs, ["x", "?", "q"], 22)
    assert "".join(part.text for part in line) == " R retry  x select "
    assert {part.does for part in line} == {"key:R", "key:x"}
