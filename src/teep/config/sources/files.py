"""Finds and reads the configuration file. Files are data: nothing in one is ever run."""

from pathlib import Path

from teep.config.sources import toml
from teep.config.sources.document import Document
from teep.config.sources.sidekiq import read_sidekiq
from teep.embedded.project import is_file, upward
from teep.errors import ConfigurationError

NONE = "none"
"""Stands in place of a file's name to read no file."""

_OWN = "teep.toml"


def discover() -> Path | None:
    """Return the configuration file of the working folder: the nearest one upward.

    In each folder that is its `teep.toml`, else a `pyproject.toml` with settings of teep's. A `sidekiq.yml` must be
    named: its queues are Ruby's, and a worker that is started beside it need not serve those. A file in the working
    folder is returned as its name, any other as its whole path.

    Raises:
        ConfigurationError: a `pyproject.toml` mentions teep, and is no TOML.
    """
    for depth, folder in enumerate(upward()):
        for name in (_OWN, toml.PROJECT):
            path = folder / name
            if is_file(path) and (name == _OWN or toml.has_settings(path)):
                return path if depth else Path(name)
    return None


def read(path: Path) -> Document:
    """Read a file in the format that its name says.

    Raises:
        ConfigurationError: it cannot be read, or it is of another kind.
    """
    if path.suffix == ".toml":
        return toml.read_toml(path)
    if path.suffix in (".yml", ".yaml") or path.name.endswith((".yml.erb", ".yaml.erb")):
        return read_sidekiq(path)
    raise ConfigurationError(f"{path} must be a .toml, or a .yml of Sidekiq's")
