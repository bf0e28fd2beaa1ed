"""Limits: their kinds, waiting for them, jobs under them, and the faults of others that they do not have."""
