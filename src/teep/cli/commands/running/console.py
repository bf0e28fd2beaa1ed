"""`teep console`: a prompt with everything imported, on the configured Redis."""

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from teep.cli.options import Reaching


@dataclass(frozen=True, eq=False, repr=False)
class ConsoleFlags(Reaching):
    """Where Redis is."""


def console(flags: ConsoleFlags) -> None:
    """Open a Python prompt with all of teep imported, on the Redis of these flags; IPython, if it is installed.

    The modules of the file are imported, too. What comes through a pipe is run as a program.

    Example: [bold]echo 'print(Queue().size())' | teep console[/bold]
    """
    import teep
    from teep.config.connections import redis_in_words

    config = flags.with_jobs()
    names = _names()
    if not sys.stdin.isatty():
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), names)  # noqa: S102 - it is what a prompt is for
        return
    banner = (
        f"teep {teep.__version__} on {redis_in_words(config)}\n"
        "All of teep is imported: Stats(), Queue(), RetrySet(), find_job(jid), WorkSet() … help(Queue) explains."
    )
    _prompt(banner, names)


def _names() -> dict[str, Any]:
    """Return what the prompt knows: teep, its public names, and the modules of jobs by their first names."""
    import teep
    from teep.job.definition import registered

    modules = {one.module.partition(".")[0] for one in registered()} - {"__main__"}
    jobs = {name: sys.modules[name] for name in modules if name in sys.modules}
    public = {name: getattr(teep, name) for name in teep.__all__ if _is_there(name)}
    return {"__name__": "__console__", "__doc__": None, **public, **jobs, "teep": teep}


def _is_there(name: str) -> bool:
    """Whether a name of teep's can be imported: the web page has an extra of its own, which may be missing."""
    return name != "web" or find_spec("starlette") is not None


def _prompt(banner: str, names: dict[str, Any]) -> None:
    if find_spec("IPython") is not None:
        print(banner)
        import_module("IPython").start_ipython(argv=["--no-banner"], user_ns=names)
        return
    import code

    if find_spec("readline") is not None:
        import readline
        import rlcompleter

        readline.set_completer(rlcompleter.Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    code.interact(banner, local=names, exitmsg="")
