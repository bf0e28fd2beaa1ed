"""Middleware: code that runs around every push (client) and every job (server), and some that is ready-made.

`chain.py` is the chain; `around.py` makes a middleware of a context manager. `Propagation` (`propagation.py`) and
`LogContext` (`logs.py`) join a configuration by `config.use(...)`. Middleware that needs a library or a server of its
own is in `teep.integrations`.
"""

from teep.middleware.around import around
from teep.middleware.chain import Chain, Chains, Middleware
from teep.middleware.logs import LogContext, LogFilter, bind, log_fields
from teep.middleware.propagation import Propagation, attributes_of

__all__ = [
    "Chain",
    "Chains",
    "LogContext",
    "LogFilter",
    "Middleware",
    "Propagation",
    "around",
    "attributes_of",
    "bind",
    "log_fields",
]
