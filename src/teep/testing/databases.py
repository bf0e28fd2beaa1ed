"""A database for each of several test processes on one Redis."""

import re

_IN_QUERY = re.compile(r"(?<=[?&]db=)\d+")
_IN_PATH = re.compile(r"(?<=/)\d+(?=/?$)")


def own_database(url: str, worker: str) -> str:
    """Return the URL for a process of pytest-xdist: its database counts on from that of `url`, gw0's.

    Two processes on one database would flush each other's jobs. Redis has 16 databases unless it is told otherwise;
    a number that it does not have is refused at the first connection.
    """
    number = int(re.sub(r"\D", "", worker) or 0)
    if number == 0:
        return url

    def counted_on(database: re.Match[str]) -> str:
        return str(int(database[0]) + number)

    place, mark, query = url.partition("?")
    if _IN_QUERY.search(url):
        return _IN_QUERY.sub(counted_on, url)
    if place.startswith("unix:"):
        return f"{url}{'&' if query else '?'}db={number}"
    numbered = _IN_PATH.sub(counted_on, place)
    return f"{numbered if numbered != place else place.rstrip('/') + f'/{number}'}{mark}{query}"
