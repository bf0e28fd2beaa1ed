"""The output of commands: JSON for programs, tables for people."""

from typing import Any


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    from teep.wire import json

    print(json.dumps(value).decode())


def print_table(columns: list[str], rows: list[tuple[str, ...]], *, of_texts: bool = False) -> None:
    """Print a table: names, then columns of figures; or `of_texts`, strings, which wrap so that names need not."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(columns[0], style="bold", no_wrap=of_texts)
    for column in columns[1:]:
        table.add_column(column, justify="left" if of_texts else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
