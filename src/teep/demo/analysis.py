"""The work of the demo's jobs: counts lines, functions and classes in a Python file."""

import ast
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

# Fields in which statements hold further statements. Expressions hold none; to skip them makes the walk ten times
# quicker.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


class Counts(NamedTuple):
    """The counts of a file."""

    lines: int
    functions: int
    classes: int
    imports: int


def count(path: str) -> Counts:
    """Return the counts of a Python file.

    Raises:
        SyntaxError: it is not Python, or names an unknown encoding.
        UnicodeDecodeError: its bytes are not in the encoding that it names.
    """
    with tokenize.open(path) as file:
        source = file.read()
    kinds = [type(statement) for statement in _statements(ast.parse(source, path))]
    return Counts(
        lines=source.count("\n"),
        functions=kinds.count(ast.FunctionDef) + kinds.count(ast.AsyncFunctionDef),
        classes=kinds.count(ast.ClassDef),
        imports=kinds.count(ast.Import) + kinds.count(ast.ImportFrom),
    )


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        for block in _BLOCKS:
            pending.extend(getattr(node, block, ()))
