"""Connections: what a Redis URL says, and pools of connections for threads and for each event loop."""
