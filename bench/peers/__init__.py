"""The other job systems of Python, each with its recommended settings. Each runs in an environment of its own, made
from `requirements/` by `bench/environments.py`; `bench/registry.py` has the commands.
"""
