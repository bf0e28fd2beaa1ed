"""What keeps the page safe: who may see and do what, and proof that our own page asked for a change."""
