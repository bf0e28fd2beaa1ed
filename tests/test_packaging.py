"""What the package says of itself; `.ci/package` builds it, and looks at what comes out."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
HOME = f"{PROJECT['urls']['Homepage']}/blob/main/"


def test_every_link_of_readme_leads_somewhere_on_an_index() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for substitution in PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        readme = re.sub(substitution["pattern"], substitution["replacement"], readme)
    links = re.findall(r"\]\(([^)]+)\)", readme)
    assert len(links) > 15
    for link in links:
        assert link.startswith(HOME), link
        assert (ROOT / link.removeprefix(HOME)).exists(), link


def test_a_program_that_only_pushes_installs_little() -> None:
    assert [re.split(r"[^a-z-]", each)[0] for each in PROJECT["dependencies"]] == ["redis", "msgspec", "cronsim"]


def test_what_has_a_command_to_show_brings_it() -> None:
    # README's first install line is for a newcomer, who runs `teep worker` next.
    assert "teep[cli]" in EXTRAS["embedded"]
    everything = set(EXTRAS) - {"all", "dev"}
    assert EXTRAS["all"] == [f"teep[{','.join(sorted(everything))}]"]
