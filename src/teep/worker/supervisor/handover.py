"""How a new interpreter takes over: the supervisor replaces itself in place, and its children stay its children.

Only a fresh interpreter imports new code, and only the same process can wait for the same children. So the supervisor
executes its own command line again, under the same pid, with its ends of the channels left open.
"""

import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from teep.config import Config
from teep.wire import json
from teep.worker.supervisor import inbox
from teep.worker.supervisor.child import Child
from teep.worker.supervisor.launcher import own_command

STATE = "TEEP_SUPERVISOR_STATE"
"""The environment variable that tells the new interpreter of the children."""


def hand_over(serving: Sequence[Child], leaving: Sequence[Child]) -> None:
    """Replace this program by a fresh start of itself. Signals wait meanwhile. Every child's channel must be open.

    Raises:
        OSError: it cannot be started; everything is as before.
    """
    state = [_described(child, serves=True) for child in serving]
    state += [_described(child, serves=False) for child in leaving]
    inbox.block()
    try:
        for child in (*serving, *leaving):
            child.drop_lifeline()
            child.channel.set_inheritable(True)
        sys.stdout.flush()
        os.execve(sys.executable, own_command(), os.environ | {STATE: json.dumps(state).decode()})  # noqa: S606 - our own command line
    finally:
        for child in (*serving, *leaving):
            child.channel.set_inheritable(False)
        inbox.unblock()


def take_over(config: Config) -> tuple[list[Child], list[Child]]:
    """Return the children that a former interpreter of this process left: who serves, and who is leaving."""
    state: list[dict[str, Any]] = json.loads(os.environ.pop(STATE, "[]").encode())
    serving: list[Child] = []
    leaving: list[Child] = []
    for entry in state:
        channel = socket.socket(fileno=entry["channel"])
        channel.set_inheritable(False)
        child = Child(config, entry["pid"], channel)
        child.started = entry["started"]
        child.note_beat(entry["identity"])
        (serving if entry["serves"] else leaving).append(child)
    return serving, leaving


def _described(child: Child, *, serves: bool) -> dict[str, Any]:
    return {
        "pid": child.pid,
        "channel": child.channel.fileno(),
        "identity": child.identity,
        "started": child.started,
        "serves": serves,
    }
