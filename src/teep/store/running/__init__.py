"""Running jobs in Redis: in-flight lists, progress, cancellations, and how each job ended."""
