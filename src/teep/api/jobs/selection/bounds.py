"""Bounds that every face keeps: the web page, the terminal, the shell."""

SEARCH_SECONDS = 0.15
"""How long a page is searched for; it then says how far it came."""

TYPED = 1_000
"""Above so many jobs the count is typed to confirm."""
