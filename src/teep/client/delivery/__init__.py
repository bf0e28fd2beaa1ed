"""Where pushes go: into a transaction that holds them, to a test's fake, or to Redis."""
