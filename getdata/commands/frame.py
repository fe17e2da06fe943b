"""What every command shares: exit statuses, refusals with cause and cure, text that is safe to print."""

from __future__ import annotations

from typing import Any, NoReturn

import typer

EXIT_FINE, EXIT_UNREADABLE, EXIT_PROBLEMS = 0, 2, 3

# Plain tracebacks without local values: a document may hold what its author would not want in a log.
SETTINGS: dict[str, Any] = {"no_args_is_help": True, "pretty_exceptions_enable": False, "rich_markup_mode": None}


def refuse(cause: str, cure: str, *, where: str = "") -> NoReturn:
    """End the command with status 2, naming file, cause and cure on standard error."""
    typer.echo(f"{f'{where}: ' if where else ''}{cause} {cure}", err=True)
    raise typer.Exit(EXIT_UNREADABLE)


def printable(text: str) -> str:
    """The text with everything that a terminal would act on, or cannot show, written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def counted(number: int, noun: str) -> str:
    """``1 problem``, ``2 problems``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
