"""`teep completion`: a shell that has read the script completes commands, flags and files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .running import environment, output, teep


def completed(words: list[str]) -> set[str]:
    """What bash offers for the last word, where it has read the script."""
    program = f"""
{output("completion", "bash")}
COMP_WORDS=({" ".join(words)}) COMP_CWORD={len(words) - 1}
_teep_completion teep
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", program], env=environment(PATH=path), capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_bash_completes_commands_and_flags() -> None:
    assert completed(["teep", "e"]) == {"embedded"}
    assert completed(["teep", "worker", "app.jobs", "--max"]) == {"--max-rss", "--max-jobs"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_ask_in_the_same_way(shell: str) -> None:
    assert f"_TEEP_COMPLETE={shell}_complete" in output("completion", shell)


def test_another_shell_is_refused() -> None:
    done = teep("completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr
