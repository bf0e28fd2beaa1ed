"""The recording of the demo: a terminal that understands what rich prints, and a picture that plays."""

import re
import sys
import xml.etree.ElementTree as ET
from io import StringIO

import pytest
from rich.console import Console
from rich.live import Live

from .recording.__main__ import COLUMNS, LARGEST, LINES, PICTURE, frames_of, record
from .recording.drawing import Frame, draw
from .recording.terminal import Line, Style, Terminal

_SVG = "{http://www.w3.org/2000/svg}"


def _text(line: Line) -> str:
    text = ""
    for run in line:
        text = text.ljust(run.column) + run.text
    return text


def _texts(frames: list[Frame]) -> list[list[str]]:
    return [[_text(line) for line in frame.lines if line] for frame in frames]


def _shown(terminal: Terminal) -> list[str]:
    return [text for line in terminal.screen() if (text := _text(line))]


def test_it_shows_what_is_printed_in_its_style() -> None:
    terminal = Terminal(20, 3)
    terminal.feed("a \x1b[1;31mred\x1b[0m  word\r\n\x1b[2mdim\x1b[0m")
    assert _shown(terminal) == ["a red  word", "dim"]
    assert [run.style for run in terminal.screen()[0]] == [Style(), Style(1, bold=True), Style()]
    assert terminal.screen()[1][0].style == Style(dim=True)


def test_it_wraps_and_scrolls() -> None:
    terminal = Terminal(4, 2)
    terminal.feed("abcdefgh\r\nij")
    assert _shown(terminal) == ["efgh", "ij"]
    terminal.feed("\r\nkl")
    assert _shown(terminal) == ["ij", "kl"]


def test_a_live_display_stays_in_its_place() -> None:
    terminal, output = Terminal(30, 6), StringIO()
    console = Console(file=output, force_terminal=True, width=30, color_system="standard", _environ={"TERM": "xterm"})
    with Live("one\ntwo", console=console, auto_refresh=False) as live:
        live.update("one\n2\n3", refresh=True)
        console.print("above")
        live.update("1\n2", refresh=True)
    terminal.feed(output.getvalue().replace("\n", "\r\n"))
    assert _shown(terminal) == ["above", "1", "2"]


@pytest.mark.parametrize("text", ["\x1b[5;5H", "\x1b[38;5;7mx", "\x1b]0;title\x07"])
def test_what_it_does_not_know_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"known|none"):
        Terminal().feed(text)


def test_an_escape_sequence_in_two_parts_is_one() -> None:
    terminal = Terminal(20, 2)
    for part in ("a \x1b", "[3", "1mred\x1b[", "0m word"):
        terminal.feed(part)
    assert _shown(terminal) == ["a red word"]
    assert [run.style for run in terminal.screen()[0]] == [Style(), Style(1), Style()]


def test_a_recording_has_what_a_program_prints() -> None:
    frames = record([sys.executable, "-c", "print('first', flush=True); print('second')"])
    assert _texts(frames)[-1] == ["$ teep demo", "first", "second"]


def test_a_recording_has_no_idle_time_and_joins_what_comes_at_once() -> None:
    moments = iter([0.0, 3.0, 3.1, 4.0, 9.0, 9.6])
    frames = frames_of(["first\r\n", "second\r\n", "\x1b[0m", "third\r\n", "fourth"], moments.__next__)
    whole = ["$ teep demo", "first", "second", "third", "fourth"]
    assert _texts(frames) == [whole[:1], whole[:3], whole[:4], whole]
    assert [round(frame.seconds, 3) for frame in frames] == [0.8, 0.8, 0.6, 6.0]


def test_a_picture_keeps_each_line_once_and_moves_from_screen_to_screen() -> None:
    terminal = Terminal(10, 2)
    terminal.feed("<a> & b\r\n")
    first = terminal.screen()
    terminal.feed("\x1b[32mnext")
    svg = draw([Frame(first, 1.0), Frame(terminal.screen(), 3.0)], 10, "a & b")
    root = ET.fromstring(svg)
    assert len(root.findall(f"{_SVG}defs/{_SVG}g")) == 2
    assert len(root.findall(f".//{_SVG}use")) == 3
    assert [text.text for text in root.iter(f"{_SVG}text")] == ["<a> & b", "next"]
    assert "0.000%{transform:translateY(0px)}25.000%{transform:translateY(-38px)}" in svg
    assert "play 4.00s steps(1,end) infinite" in svg


def test_the_picture_in_readme_is_small_whole_and_of_this_demo() -> None:
    svg = PICTURE.read_text("utf-8")
    assert PICTURE.stat().st_size <= LARGEST
    assert not re.search(r"<script|xlink|@import|url\(|https?://(?!www\.w3\.org/2000/svg|127\.0\.0\.1)", svg)
    root = ET.fromstring(svg)
    texts = " ".join(text.text or "" for text in root.iter(f"{_SVG}text"))
    for said in ("kill -9", "has taken its place", "files accounted for", "one teep worker", "job.value", "A batch"):
        assert said in texts
    names = {group.get("id") for group in root.iter(f"{_SVG}g")}
    assert {use.get("href") for use in root.iter(f"{_SVG}use")} <= {f"#{name}" for name in names}
    assert (COLUMNS, LINES) == (80, 24)
