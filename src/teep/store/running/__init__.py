"""What Redis knows of jobs that run: in-flight lists, progress, cancellations, and how each job ended."""
