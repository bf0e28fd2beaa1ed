"""Graphs as pictures: names and edges in, places and lines out. It knows nothing of workflows, nor of the web page.

| file | holds |
|---|---|
| `layers` | in which column each vertex stands |
| `layout` | its place, and the line of each edge |
| `clusters` | one vertex for many, where a graph has too many |
"""
