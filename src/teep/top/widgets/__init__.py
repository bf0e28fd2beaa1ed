"""The widgets: lines that are painted, and a list."""
