"""Commands that act on jobs and queues that are there."""
