"""`teep web`: the web page alone, on loopback, elsewhere only with a password or a token."""

from dataclasses import dataclass
from typing import Annotated

from teep.cli.command import option
from teep.cli.options import Reaching

Host = Annotated[
    str,
    option(
        "--host",
        metavar="ADDRESS",
        show_default=True,
        help="Where to listen; other than this machine alone only with --auth or --token.",
    ),
]
Port = Annotated[int, option("--port", metavar="PORT", show_default=True, help="The port there; 0: any.")]
Auth = Annotated[
    str | None,
    option(
        "--auth",
        envvar="TEEP_WEB_AUTH",
        show_envvar=True,
        metavar="USER:PASSWORD",
        help="What browsers ask for. As a variable it is in no list of processes.",
    ),
]
Token = Annotated[
    str | None,
    option(
        "--token",
        envvar="TEEP_WEB_TOKEN",
        show_envvar=True,
        metavar="TOKEN",
        help='What programs send, as "Authorization: Bearer TOKEN".',
    ),
]
ReadOnly = Annotated[bool, option("--read-only", help="Nothing can be changed.")]


@dataclass(frozen=True, eq=False, repr=False)
class WebFlags(Reaching):
    """Where the page is, and what it asks for."""

    host: Host = "127.0.0.1"
    port: Port = 9797
    auth: Auth = None
    token: Token = None
    read_only: ReadOnly = False


def web(flags: WebFlags) -> None:
    """Serve the web page: queues, jobs, errors and processes, seen and acted on in a browser.

    Example: [bold]teep web --port 9000[/bold]
    """
    from teep.web import serve

    serve(
        flags.configured(),
        host=flags.host,
        port=flags.port,
        auth=flags.auth,
        token=flags.token,
        read_only=flags.read_only,
        on_start=lambda address: print(f"The web page is at {address}; Ctrl-C ends it.", flush=True),
    )
