class BenchError(Exception):
    """A measurement that would not be true: a system died, or lost or doubled a job. Its message says which."""
