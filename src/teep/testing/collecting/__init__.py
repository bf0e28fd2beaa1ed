"""Collecting jobs in tests instead of sending them: the jobs, what matches them, and the batches that they are of."""
