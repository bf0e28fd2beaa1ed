"""Waiting for what another process or thread does, with a deadline that each test names."""

from teep.testing.waiting import wait_until

__all__ = ["wait_until"]
