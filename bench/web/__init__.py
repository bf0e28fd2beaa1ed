"""`bench web`: the web page beside Sidekiq's, page by page, and what it costs under load.

Both are servers with one process on the same Redis, asked over loopback TCP.

| module | holds |
|---|---|
| `pages` | every page: where each side has it, and its goal |
| `seeds` | the state of Redis |
| `site` | a side's server, and how its pages are asked for |
| `rounds` | visits both sides in turn |
| `load` | teep's page alone: a large fleet, a bulk action, many requests, open streams |
| `run` | the part as a section of the report |
"""
