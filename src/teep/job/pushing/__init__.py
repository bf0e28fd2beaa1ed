"""Pushing a job: the verbs, and a job with its arguments as a value."""
