"""The Sidekiqs that the interop tests run against, and where their Ruby is."""

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.support import roots
from tests.support.servers import Kind


class Sidekiq(NamedTuple):
    """One version of Sidekiq: the machine's own, or that of a root folder; and a server of its time."""

    version: str
    server: Kind
    root: str | None = None

    def command(self, program: str, *arguments: str) -> Sequence[str]:
        """The command line that runs one of its programs, as the process that is started."""
        if self.root is not None:
            return roots.entering(self.root, [program, *arguments])
        path = shutil.which(program)
        if path is None:
            raise RuntimeError(f"The interop tests need {program}: apt-get install ruby-sidekiq")
        return [path, *arguments]

    def environment(self, url: str) -> Mapping[str, str]:
        """What its programs find in the environment, their Redis at `url` among it."""
        # Ruby reads text as UTF-8 whatever the machine's locale, as it would in production.
        return os.environ | roots.environment() | {"REDIS_URL": url, "LC_ALL": "C.UTF-8"}


SIDEKIQS = {
    sidekiq.version: sidekiq
    for sidekiq in (
        Sidekiq("6.4", "redis", roots.OLDEST_SIDEKIQ),
        Sidekiq("7.3", "redis8", "trixie"),
        Sidekiq("8.1", "valkey", "sid"),
    )
}
