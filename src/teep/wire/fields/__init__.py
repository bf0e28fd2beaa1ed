"""Fields of a payload whose value has a format of its own."""
