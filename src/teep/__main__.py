"""`python -m teep`: the same as `teep`."""

from teep.cli import main

main()
