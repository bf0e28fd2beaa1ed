"""Jobs where they lie: queues, the sorted sets, one job, and verbs for many of them."""
