"""Jobs that work through many items, and go on where they were interrupted."""
