"""The outcome of a job that failed, and what its own `retry_in` says to it."""
