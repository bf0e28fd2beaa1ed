"""Features that have a room of their own: their Python is here, their Lua in `wire/lua/lib/`.

Each takes part in what happens to jobs through `teep.store.features` alone, and knows no other.
"""
