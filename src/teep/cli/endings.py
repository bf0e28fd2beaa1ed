"""How a command ends: its exit code, the same for every command that reaches Redis.

| code | means |
|---|---|
| 0 | done |
| 1 | nothing matched, or nothing was done |
| 2 | the command line, or a setting, is wrong |
| 3 | Redis cannot be reached, or refuses |
| 4 | stopped half way |
"""

import sys

from teep.errors import EmbeddedServerError, NotMoved, RedisError, RedisNotConfigured, TeepError

DONE, NOTHING, USAGE, NO_REDIS, STOPPED = range(5)


def code_of(error: TeepError) -> int:
    """Return the exit code of a command that an error has ended."""
    if isinstance(error, NotMoved):  # the other jobs were moved
        return STOPPED
    if isinstance(error, (RedisError, EmbeddedServerError, RedisNotConfigured)):
        return NO_REDIS
    return USAGE if isinstance(error, (TypeError, ValueError)) else NOTHING


def nothing(sentence: str) -> int:
    """Tell on standard error why nothing was done, and return the exit code of that."""
    print(sentence, file=sys.stderr)
    return NOTHING


def stopped(sentence: str) -> int:
    """Tell on standard error where a command has stopped half way, and return the exit code of that."""
    print(sentence, file=sys.stderr)
    return STOPPED
