"""Where pushes go: into a batch, a transaction that holds them, a test's fake, or to Redis."""
