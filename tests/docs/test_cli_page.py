"""docs/cli.md is what the commands say, and its walk at 3 am works as written (tests/cli/whole/test_walk.py)."""

import re

from teep.cli.app import app

from .cli_page import MARK, PAGE, reference


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2].strip() == reference().strip(), "run `make reference`"


def test_it_has_every_command() -> None:
    titles = re.findall(r"^### teep (\S+)", reference(), re.MULTILINE)
    assert set(titles) == set(app.commands)


def test_it_says_what_an_option_takes_and_what_holds_without_it() -> None:
    text = reference()
    assert "| `--limit` `N` | At most so many jobs. |" in text
    assert "| `--port` `PORT` | The port there; 0: any. Default: 9797. |" in text
    assert "Variable: `TEEP_LOG_LEVEL`. Default: WARNING." in text
    assert "| `SELECTION [WORD]...` | retries, scheduled, dead or queue:NAME" in text
