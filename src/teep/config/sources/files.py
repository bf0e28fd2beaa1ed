"""Which configuration file is read. Files are data: nothing in one is ever run."""

from pathlib import Path

from teep.config.sources import toml
from teep.config.sources.document import Document
from teep.config.sources.sidekiq import read_sidekiq
from teep.embedded.project import is_file, upward
from teep.errors import ConfigurationError

NONE = "none"
"""In place of a file's name: read none."""

_OWN = "teep.toml"


def discover() -> Path | None:
    """Return the file that holds in the working folder: the nearest upward.

    In each folder that is its `teep.toml`, else a `pyproject.toml` with settings of teep's. A `sidekiq.yml` must be
    named: its queues are Ruby's, and who starts a worker beside it need not mean those. One of the working folder
    itself is named as it is there, any other by its whole path.

    Raises:
        ConfigurationError: there is a `pyproject.toml` that speaks of teep, and is no TOML.
    """
    for depth, folder in enumerate(upward()):
        for name in (_OWN, toml.PROJECT):
            path = folder / name
            if is_file(path) and (name == _OWN or toml.has_settings(path)):
                return path if depth else Path(name)
    return None


def read(path: Path) -> Document:
    """Read a file by what its name says it is.

    Raises:
        ConfigurationError: it cannot be read, or it is of another kind.
    """
    if path.suffix == ".toml":
        return toml.read_toml(path)
    if path.suffix in (".yml", ".yaml") or path.name.endswith((".yml.erb", ".yaml.erb")):
        return read_sidekiq(path)
    raise ConfigurationError(f"{path} must be a .toml, or a .yml of Sidekiq's")
