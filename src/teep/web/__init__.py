"""The web page: see everything, fix anything; an ASGI app that stands on the data API."""
