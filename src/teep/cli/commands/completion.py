"""`teep completion`: the script by which a shell completes teep's commands and flags."""

from dataclasses import dataclass
from typing import Annotated

import click

from teep.cli.command import argument

# A program's name, and the variable by which its shells ask it; click derives the same from `teep`.
_PROGRAM, _VARIABLE = "teep", "_TEEP_COMPLETE"

Shell = Annotated[str, argument(type=click.Choice(["bash", "zsh", "fish"]), help="The shell that completes.")]


@dataclass(frozen=True, eq=False, repr=False)
class CompletionFlags:
    """The shell that completes."""

    shell: Shell


def completion(flags: CompletionFlags) -> None:
    """Print the script with which a shell completes teep's commands, flags and files.

    Write it once, into a file that the shell reads: for bash as below, for fish into
    ~/.config/fish/completions/teep.fish, for zsh into a file that ~/.zshrc sources.

    Example: [bold]teep completion bash > ~/.local/share/bash-completion/completions/teep[/bold]
    """
    from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

    kinds: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    # The script asks the program for its commands, so they need not be known here.
    print(kinds[flags.shell](click.Command(_PROGRAM), {}, _PROGRAM, _VARIABLE).source())
