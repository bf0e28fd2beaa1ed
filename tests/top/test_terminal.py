"""`teep top` as the command that a person types."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import environment, output, sentence, teep
from tests.support.servers import Server
from tests.top.terminal import Terminal
from tests.web.browser import shop

pytestmark = pytest.mark.one_server


@pytest.mark.slow("a person's walk through the tabs in tmux")
def test_a_person_walks_through_it(fleet: Server, tmp_path: Path) -> None:
    with Terminal(tmp_path, "top", "--redis-url", fleet.url) as terminal:
        terminal.until("[Dashboard]", "jobs a second", "48,213,077", "mailers", "q quit")
        terminal.press("Right")
        terminal.until("[Busy]", "worker-1:412")
        terminal.press("Right", "Right", "Right")
        terminal.until("[Retries]", "of 217 jobs", "app.jobs.")
        terminal.press("/")
        terminal.until("\n/")
        terminal.write("error:KeyError")
        terminal.press("Enter")
        terminal.until("/error:KeyError", "'gtin'")
        terminal.press("*")
        text = terminal.until("are selected")
        count = next(line for line in text.splitlines() if "are selected" in line).split()[1]
        terminal.press("K")
        terminal.until(f"Kill all {count} jobs that match error:KeyError?", "[ No ]")
        terminal.press("Enter")
        terminal.until("[Retries]", without="Kill all")
        assert fleet.client.zcard("dead") == 17
        terminal.press("K")
        terminal.until("[ No ]")
        terminal.press("y")
        terminal.until(f"{count} are dead", "Nothing matches error:KeyError")
        assert fleet.client.zcard("dead") == 17 + int(count)
        terminal.press("Escape")
        terminal.until("of 2", without="/error")
        terminal.press(":")
        terminal.until("\n:")
        terminal.write(f"jid {shop.jid(shop.LETTER)}")
        terminal.press("Enter")
        terminal.until("app.jobs.SendInvoice", "Connection unexpectedly closed")
        terminal.press("G")
        terminal.until("12345678901234567890")
        terminal.press("Escape")
        terminal.until("[Retries]", "next try")
        terminal.resize(60, 20)
        terminal.until("teep top needs a terminal of 80×24; this one has 60×20.")
        terminal.resize(140, 40)
        terminal.until("[Retries]", "next try  2")
        terminal.press("q")
        terminal.until("ended with 0")


@pytest.mark.slow("a terminal is started")
def test_what_is_typed_at_once_is_taken_whole_and_in_order(fleet: Server, tmp_path: Path) -> None:
    with Terminal(tmp_path, "top", "--redis-url", fleet.url) as terminal:
        terminal.until("[Dashboard]", "48,213,077")
        for number in range(3):
            terminal.write(f":retry class:Import{number}*\r")
            terminal.until("[Retries]", f"/class:Import{number}*")
            terminal.write(":dead\r")
            terminal.until("[Dead]")


@pytest.mark.slow("a terminal is started")
def test_ctrl_c_ends_it_and_log_lines_do_not_cross_the_screen(store: Server, tmp_path: Path) -> None:
    with Terminal(tmp_path, "top", TEEP_REDIS_URL=store.url, TEEP_CONCURENCY="3") as terminal:
        terminal.until("[Dashboard]", "There are no queues")
        assert "TEEP_CONCURENCY" not in terminal.text  # it was said before
        terminal.press("C-c")
        terminal.until("TEEP_CONCURENCY", "ended with 0")


def test_without_textual_a_sentence_says_what_to_install(store: Server) -> None:
    program = "import sys; sys.modules['textual'] = None; from teep.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "top", "--redis-url", store.url],
        capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert sentence(done, 2) == "teep: teep top needs Textual: pip install 'teep[tui]'"


def test_without_a_terminal_a_sentence_says_what_to_do_instead(store: Server) -> None:
    said = sentence(teep("top", "--redis-url", store.url), 2)
    assert said == "teep: teep top needs a terminal; in a pipe, teep stats --json tells the figures"


def test_its_help_names_what_it_takes() -> None:
    text = output("top", "--help")
    assert "--read-only" in text
    assert "--interval" in text


def test_it_loads_no_part_of_the_worker_or_the_web_page_and_no_optional_tab() -> None:
    program = """
import sys
import teep.top.app
rooms = "teep.worker teep.web teep.testing teep.demo teep.bench starlette jinja2 pygments".split()
rooms += [f"teep.top.tabs.{name}" for name in teep.top.tabs.OPTIONAL]
print([name for name in rooms if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout == "[]\n"
