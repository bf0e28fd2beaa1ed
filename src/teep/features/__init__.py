"""Features of jobs, each in a folder of its own. Their Python is here, their Lua in `wire/lua/lib/`.

Each takes part in the life of jobs only through `teep.store.feature`, and does not know any other feature.
"""
