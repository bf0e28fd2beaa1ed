"""A new interpreter takes over: the supervisor replaces itself in place, and its children stay its children.

Only a fresh interpreter imports new code, and only the same process can wait for the same children. So the supervisor
executes its own command line again, under the same pid. Its ends of the channels stay open, and so does the socket
that listens for health checks. A health check that comes meanwhile waits for a moment.
"""

import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from teep.config import Config
from teep.wire import json
from teep.worker.supervisor import signals
from teep.worker.supervisor.child import Child
from teep.worker.supervisor.launcher import own_command

STATE = "TEEP_SUPERVISOR_STATE"
"""The environment variable that tells the new interpreter of the children."""


class Inheritance(NamedTuple):
    """The legacy of a former interpreter of this process: the children that serve, those that leave, and a socket."""

    serving: list[Child]
    leaving: list[Child]
    listener: socket.socket | None


def hand_over(
    config: Config, serving: Sequence[Child], leaving: Sequence[Child], listener: socket.socket | None
) -> None:
    """Replace this program by a fresh start of itself. Signals wait meanwhile. Every child's channel must be open.

    Raises:
        OSError: the program cannot be started; everything is as before.
    """
    children = [*serving, *leaving]
    sockets = [child.channel for child in children] + ([] if listener is None else [listener])
    state = {
        "children": [_described(child, serves=index < len(serving)) for index, child in enumerate(children)],
        "listener": None if listener is None else listener.fileno(),
        "address": config.health,
    }
    signals.block()
    try:
        for child in children:
            child.drop_lifeline()
        for handed in sockets:
            handed.set_inheritable(True)
        sys.stdout.flush()
        os.execve(sys.executable, own_command(), os.environ | {STATE: json.dumps(state).decode()})  # noqa: S606 - our own command line
    finally:
        for handed in sockets:
            handed.set_inheritable(False)
        signals.unblock()


def take_over(config: Config) -> Inheritance:
    """Return the children and the socket that a former interpreter of this process left."""
    left = os.environ.pop(STATE, None)
    if left is None:
        return Inheritance([], [], None)
    state: dict[str, Any] = json.loads(left.encode())
    serving: list[Child] = []
    leaving: list[Child] = []
    for entry in state["children"]:
        child = Child(config, entry["pid"], _inherited(entry["channel"]))
        child.started = entry["started"]
        if entry["identity"]:
            child.note_beat(entry["identity"])
        (serving if entry["serves"] else leaving).append(child)
    listener = None if state["listener"] is None else _inherited(state["listener"])
    if listener is not None and state["address"] != config.health:
        listener.close()
        listener = None
    return Inheritance(serving, leaving, listener)


def _inherited(descriptor: int) -> socket.socket:
    inherited = socket.socket(fileno=descriptor)
    inherited.set_inheritable(False)
    return inherited


def _described(child: Child, *, serves: bool) -> dict[str, Any]:
    return {
        "pid": child.pid,
        "channel": child.channel.fileno(),
        "identity": child.identity,
        "started": child.started,
        "serves": serves,
    }
