"""The widgets: lines that are painted, a list, and a chart in braille."""
