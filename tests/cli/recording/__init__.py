"""The demo as an animated picture: `make recording` runs it in a terminal and draws docs/pictures/demo.svg.

| file | holds |
|---|---|
| `__main__.py` | runs a command in a terminal of 80 columns and 24 lines, and notes what it shows and when |
| `terminal.py` | as much of a terminal as the demo needs |
| `drawing.py` | the animation: an SVG that needs no script, which any browser plays |
"""
