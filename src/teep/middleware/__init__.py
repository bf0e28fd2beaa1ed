"""Middleware: what runs around every push (client) and every job (server)."""

from teep.middleware.chain import Chain

__all__ = ["Chain"]
