"""Jobs at rest: the queues and the sorted sets, and how jobs get into them, between them and out of them."""
